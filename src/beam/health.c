/*
 * health.c
 *		SQL: elixir_health(), elixir_restart().
 *
 * Both work on what the worker knows, so they answer when the BEAM does not.
 * Of a BEAM that somebody else runs only itself knows more than that it is
 * there: it is asked.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "beam/answer.h"
#include "beam/fail.h"
#include "beam/settings.h"
#include "beam/sidecar.h"
#include "beam/sql.h"
#include "beam/state.h"

/* How long elixir_health() waits for a BEAM that somebody else runs. */
#define HEALTH_TIMEOUT_MS 1000

/* How long elixir_restart() waits for the next BEAM. */
#define RESTART_TIMEOUT_MS 10000

typedef enum HealthColumn
{
	HEALTH_STATUS,
	HEALTH_UPTIME,
	HEALTH_MEMORY,
	HEALTH_REQUESTS,
	HEALTH_PID,
	HEALTH_RESTARTS,
	HEALTH_LAST_EXIT,
	HEALTH_CIRCUIT,
	HEALTH_CONNECTIONS,
	HEALTH_RUN_QUEUE,
	HEALTH_OTP,
	HEALTH_LAST_OUTPUT,
	HEALTH_COLUMNS
} HealthColumn;

typedef struct Health
{
	Datum values[HEALTH_COLUMNS];
	bool nulls[HEALTH_COLUMNS];
} Health;

static void
set(Health *health, HealthColumn column, Datum value)
{
	health->values[column] = value;
	health->nulls[column] = false;
}

static void
set_text(Health *health, HealthColumn column, const char *value)
{
	if (*value != '\0')
		set(health, column, CStringGetTextDatum(value));
}

/* Which column has what the BEAM says under this name? */
static HealthColumn
column_of(const Term *key)
{
	static const struct
	{
		const char *name;
		HealthColumn column;
	} keys[] = {{"uptime_seconds", HEALTH_UPTIME},
				{"memory_mb", HEALTH_MEMORY},
				{"request_count", HEALTH_REQUESTS},
				{"run_queue", HEALTH_RUN_QUEUE},
				{"connections", HEALTH_CONNECTIONS}};

	for (int i = 0; i < (int) lengthof(keys); i++)
		if (key->kind == TERM_BINARY && key->len == strlen(keys[i].name) &&
			memcmp(key->bytes, keys[i].name, key->len) == 0)
			return keys[i].column;
	return HEALTH_COLUMNS;
}

static void
ask_beam(Health *health)
{
	SidecarRequest request;
	TermReader reader;
	Term map;
	Term key;
	int64 value;

	sidecar_begin(&request, "health", 2, "elixir_health()");
	request.timeout_ms = HEALTH_TIMEOUT_MS;
	request.probe = true;
	sidecar_ask(&request, &reader);
	if (!term_next(&reader, &map) || map.kind != TERM_MAP)
		answer_bad(&reader, "no map of its health");
	for (uint32 i = 0; i < map.count && term_next(&reader, &key); i++)
	{
		HealthColumn column = column_of(&key);

		if (column == HEALTH_COLUMNS)
			(void) term_skip(&reader);
		else if (term_next_int64(&reader, &value, "no number"))
			set(health, column, Int64GetDatum(value));
	}
}

static bool
is_absence(int code)
{
	return ERRCODE_TO_CATEGORY(code) == ERRCODE_CONNECTION_EXCEPTION ||
		   code == ERRCODE_CANNOT_CONNECT_NOW ||
		   code == ERRCODE_TOO_MANY_CONNECTIONS;
}

/*
 * That it is not there, or has no room, is an answer, too.  No resource is left behind by a
 * request that fails so, and other errors go on.
 */
static void
try_beam(Health *health)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		ask_beam(health);
	}
	PG_CATCH();
	{
		ErrorData *error;

		if (!is_absence(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		set_text(health, HEALTH_LAST_EXIT, error->message);
	}
	PG_END_TRY();
}

static void
fill_from_report(Health *health, const SidecarReport *report)
{
	bool ready = report->status == SIDECAR_READY;

	set(health, HEALTH_RESTARTS, Int64GetDatum(report->restarts));
	set_text(health, HEALTH_LAST_EXIT, report->last_exit);
	set_text(health, HEALTH_LAST_OUTPUT,
			 fail_text((FailBytes){report->last_output,
								   strlen(report->last_output)}));
	set(health, HEALTH_CONNECTIONS, Int64GetDatum(state_connections()));
	if (!ready)
		return;
	set(health, HEALTH_UPTIME,
		Int64GetDatum((GetCurrentTimestamp() - report->since) / USECS_PER_SEC));
	set(health, HEALTH_MEMORY, Int64GetDatum(report->memory_kb / 1024));
	set(health, HEALTH_REQUESTS, Int64GetDatum(report->request_count));
	set(health, HEALTH_PID, Int32GetDatum(report->pid));
	set(health, HEALTH_RUN_QUEUE, Int64GetDatum(report->run_queue));
	set_text(health, HEALTH_OTP, report->otp);
}

PG_FUNCTION_INFO_V1(elixir_health);

Datum
elixir_health(PG_FUNCTION_ARGS)
{
	SidecarReport report = state_report();
	TupleDesc desc;
	Health health;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "elixir_health returns a row");
	memset(health.nulls, true, sizeof(health.nulls));
	set_text(&health, HEALTH_STATUS, state_name(report.status));
	if (report.status == SIDECAR_EXTERNAL)
		try_beam(&health);
	else
		fill_from_report(&health, &report);
	set_text(&health, HEALTH_CIRCUIT,
			 state_breaker_is_open() ? "open" : "closed");
	PG_RETURN_DATUM(HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(desc), health.values, health.nulls)));
}

PG_FUNCTION_INFO_V1(elixir_restart);

Datum
elixir_restart(PG_FUNCTION_ARGS)
{
	WireDeadline deadline = wire_deadline(RESTART_TIMEOUT_MS);
	SidecarReport report = state_report();

	if (report.status == SIDECAR_EXTERNAL || report.status == SIDECAR_STOPPED ||
		!state_ask_restart())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the server does not run a sidecar"),
						errhint("See elixir.command, elixir.enabled and "
								"shared_preload_libraries.")));
	PG_RETURN_BOOL(state_await_next(deadline, report.readies));
}
