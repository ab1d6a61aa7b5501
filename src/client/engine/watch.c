/*
 * watch.c
 *		Silence, stalls, and what the control connection reports.
 *
 * Called by engine.c each turn: a server that is silent, a consumer that takes
 * nothing, a slot that is lost, memory that should be given back.
 */
#include "client/engine/watch.h"

#include <stdio.h>
#include <string.h>

#include "client/base/printable.h"
#include "client/engine/attempt.h"
#include "client/engine/catalogs.h"
#include "client/engine/connect.h"
#include "client/engine/report.h"
#include "client/engine/standby.h"
#include "client/engine/status.h"
#include "client/engine/stop.h"

/* A connection that lasted this long ends a series of failures. */
#define STABLE_MS 30000

/*
 * Nothing was heard for long.  A walsender in a long decoding step is silent
 * too, but the control connection then sees it hold the slot.
 */
static void
liveness_turn(Engine *engine)
{
	int64_t timeout = (int64_t) engine->settings->liveness_timeout;
	const Control *control = &engine->control;
	Failure silence;

	if (!engine_listens(engine))
		engine->heard_at = engine->now; /* it is we who do not listen */
	if (!engine_due(engine, engine->heard_at + timeout))
		return;
	if (control_is_up(control) && control->heard_at > engine->now - timeout &&
		control->slot.active_pid == engine->stream.backend_pid)
	{
		engine->heard_at = engine->now;
		return;
	}
	failure_set(&silence, FAIL_NETWORK,
				"the server has been silent for %lld ms", (long long) timeout);
	attempt_failed(engine, &silence);
}

/* Leave the server alone until the consumer wants something again. */
static void
park(Engine *engine)
{
	engine->stats.stalls++;
	report_disconnected(engine, "stalled");
	engine_disconnect(engine);
	engine_set_phase(engine, ENGINE_PARKED);
}

/*
 * Does the consumer perhaps take nothing since it waits to hear what is kept?
 * That takes a stream.
 */
static bool
owes_answer(const Engine *engine)
{
	return engine->keys_kept < engine->keys_taken ||
		   engine_finds_backfills(engine);
}

static void
stall_turn(Engine *engine)
{
	uint64_t limit = engine->settings->max_stall;
	Failure stopping;

	if (engine->stalled_at == 0)
		return;
	if (engine->server_stopping)
	{
		failure_set(
			&stopping, FAIL_SERVER_SHUTDOWN,
			"the server is shutting down while the consumer accepts nothing");
		attempt_failed(engine, &stopping);
	}
	else if (limit > 0 && !owes_answer(engine) &&
			 engine_due(engine, engine->stalled_at + (int64_t) limit))
		park(engine);
}

void
watch_stream(Engine *engine)
{
	static void (*const watches[])(Engine * engine) = {
		status_turn, liveness_turn, stall_turn, catalogs_turn};

	for (size_t i = 0; i < sizeof(watches) / sizeof(watches[0]); i++)
	{
		if (engine->phase == ENGINE_STREAMING)
			watches[i](engine);
	}
	if (engine->phase != ENGINE_STREAMING)
		return;
	if (engine_due(engine, engine->phase_since + STABLE_MS))
		backoff_reset(&engine->backoff);
}

/* At a moment when nothing has to be sent again. */
static bool
may_shrink(Engine *engine)
{
	return engine_listens(engine) && engine->spool.count == 0 &&
		   engine->settings->create != CREATE_TEMPORARY &&
		   feedback_is_closed(&engine->feedback) &&
		   engine->told_lsn == engine->feedback.flushed &&
		   engine_due(engine, shrink_due(&engine->shrink));
}

void
watch_memory(Engine *engine)
{
	if (!may_shrink(engine))
		return;
	shrink_closed(&engine->shrink, true, engine->now);
	engine_disconnect(engine);
	attempt_begin(engine);
}

static bool
is_lost(const SlotReport *slot)
{
	return slot->reason[0] != '\0' || strcmp(slot->wal_status, "lost") == 0;
}

/* The slot may be lost while nothing is read. */
static void
slot_reported(Engine *engine)
{
	const SlotReport *slot = &engine->control.slot;
	Failure lost;

	engine->server_stopping = false;
	if (slot->server_lsn > engine->server_lsn)
		engine->server_lsn = slot->server_lsn;
	report_slot(engine);
	if (engine->phase == ENGINE_STREAMING &&
		slot->active_pid == engine->stream.backend_pid)
		engine->stream.decoded = slot->decoded;
	if (!engine->stream.resumes || !is_lost(slot))
		return;
	/* It may not be where the next stream will be: that finds out itself. */
	if (engine->phase == ENGINE_PARKED)
		attempt_begin(engine);
	if (engine->phase != ENGINE_STREAMING)
		return;
	failure_set(&lost, FAIL_SLOT_LOST,
				"the server has invalidated slot \"%s\"%s%s",
				engine->settings->slot, slot->reason[0] != '\0' ? ": " : "",
				slot->reason);
	attempt_failed(engine, &lost);
}

/* The stream continues without it; warn once. */
static void
control_lost(Engine *engine)
{
	if (engine->phase != ENGINE_STREAMING)
		return;
	if (!engine->control_missed)
		consumer_log(engine->consumer, "warning", "no control connection: %s",
					 engine->control.db.failure.message);
	engine->control_missed = true;
}

/* What was waited for by the control connection alone. */
static void
give_up_wait(Engine *engine)
{
	standby_control_lost(engine);
	stop_unsettled(engine);
}

/* Tables and columns may be made later, so this is no failure. */
static void
warn_unmatched(Engine *engine)
{
	const PGresult *result = engine->control.db.result;
	char pattern[128];

	for (int row = 0; row < PQntuples(result); row++)
	{
		const char *option = PQgetvalue(result, row, 0);
		bool tables = strcmp(option, "include_tables") == 0;

		snprintf(pattern, sizeof(pattern), "%s", PQgetvalue(result, row, 1));
		make_printable(pattern);
		consumer_log(engine->consumer, "warning",
					 "%s: no %s matches \"%s\" (use %s)", option,
					 tables ? "table" : "column", pattern,
					 tables ? "schema.table; for a partitioned table name its "
							  "partitions"
							: "schema.table.column");
	}
}

void
watch_control(Engine *engine, short revents)
{
	const Stream *stream = &engine->stream;

	if (engine->phase == ENGINE_CONNECTING && stream->server != 0)
		control_attach(&engine->control, stream->db.conn, stream->server,
					   engine->now);
	switch (control_turn(&engine->control, engine->now, revents))
	{
		case CONTROL_UNMATCHED:
			warn_unmatched(engine);
			break;
		case CONTROL_REPORT:
			engine->control_missed = false;
			engine->looked = true;
			slot_reported(engine);
			break;
		case CONTROL_SHUTDOWN:
			engine->server_stopping = true;
			give_up_wait(engine);
			break;
		case CONTROL_ELSEWHERE:
			give_up_wait(engine);
			if (engine->phase == ENGINE_PARKED)
				attempt_begin(engine);
			control_lost(engine);
			break;
		case CONTROL_LOST:
			give_up_wait(engine);
			control_lost(engine);
			break;
		case CONTROL_DONE:
			if (!catalogs_answered(engine))
				stop_settled(engine);
			else if (engine->phase == ENGINE_CONNECTING && !engine->source.asks)
				connect_go_on(engine);
			break;
		case CONTROL_NOTHING:
			break;
	}
	if (control_is_wanted(&engine->control) &&
		engine_due(engine, engine->control.due))
		engine->wake_at = engine->now;
}
