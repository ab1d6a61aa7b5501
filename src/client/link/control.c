/*
 * control.c
 *		A second, ordinary connection, for what the stream cannot report.
 *
 * Driven by watch.c; asks for the slot at each status interval.
 */
#include "client/link/control.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/printable.h"
#include "client/base/strbuf.h"
#include "client/link/session.h"
#include "client/link/slot.h"
#include "client/link/table_patterns.h"

/* Milliseconds before a failed connection is retried; or a report is late. */
#define RETRY_MS 5000

/* The numbers need not be newer than this. */
#define INTERVAL_MAX_MS 10000

void
control_init(Control *control, const Settings *settings)
{
	*control = (Control){.settings = settings, .wanted = settings->control};
}

void
control_close(Control *control)
{
	db_close(&control->db);
	control->step = CONTROL_SESSION;
	control->heard_at = 0;
	free(control->errand);
	control->errand = NULL;
	control->on_errand = false;
}

/* The address, too: the name may stand for several servers. */
void
control_attach(Control *control, const PGconn *stream, uint64_t server,
			   int64_t now)
{
	const char *values[HOST_LISTS] = {PQhost(stream), PQhostaddr(stream),
									  PQport(stream)};
	Hosts hosts = {0};

	for (size_t i = 0; i < HOST_LISTS; i++)
		snprintf(hosts.lists[i], HOST_LIST_SIZE, "%s",
				 values[i] != NULL ? values[i] : "");
	if (control->server == server &&
		memcmp(&control->db.host_order, &hosts, sizeof(hosts)) == 0)
		return;
	control_close(control);
	control->db.host_order = hosts;
	control->server = server;
	control->doubted = false;
	control->due = now;
}

static void
build_session(const Control *control, StrBuf *sql)
{
	(void) control;
	strbuf_puts(sql, "SELECT ");
	session_pin(sql);
	strbuf_puts(sql, ", " SESSION_SERVER " AS server");
}

static void
build_slot(const Control *control, StrBuf *sql)
{
	strbuf_puts(sql,
				"SELECT now.lsn AS server_lsn, s.slot_name, "
				"s.confirmed_flush_lsn, s.restart_lsn, s.active_pid, "
				"greatest(now.lsn - s.restart_lsn, 0)::bigint AS retained, "
				/* Below zero once a checkpoint may end the slot. */
				"CASE WHEN j ->> 'safe_wal_size' ~ '^(-|0$)' THEN '1' "
				"ELSE j ->> 'safe_wal_size' END AS safe_size, "
				"j ->> 'wal_status' AS wal_status, "
				"j ->> 'invalidation_reason' AS reason, "
				"pg_catalog.age(s.catalog_xmin) AS xmin_age, ");
	strbuf_puts(sql, slot_decoded(PQserverVersion(control->db.conn)));
	strbuf_puts(
		sql,
		" AS decoded FROM (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() "
		"THEN pg_catalog.pg_last_wal_replay_lsn() "
		"ELSE pg_catalog.pg_current_wal_flush_lsn() END AS lsn) AS now "
		"LEFT JOIN (SELECT *, pg_catalog.to_jsonb(r) AS j "
		"FROM pg_catalog.pg_replication_slots AS r) AS s "
		"ON s.slot_name = ");
	strbuf_put_literal(sql, control->settings->slot);
}

static void
take_errand(Control *control, StrBuf *sql)
{
	strbuf_puts(sql, control->errand);
	free(control->errand);
	control->errand = NULL;
}

static void
build_tables(const Control *control, StrBuf *sql)
{
	tables_build(&control->settings->options, sql);
}

static void (*const builds[])(const Control *control, StrBuf *sql) = {
	[CONTROL_SESSION] = build_session,
	[CONTROL_TABLES] = build_tables,
	[CONTROL_SLOT] = build_slot,
};

/* A connection is to answer a look at the slot sooner than other things. */
static int64_t
patience(const Control *control)
{
	int64_t limit = 0;

	if (control->on_errand)
		limit = control->errand_limit;
	else if (control->step != CONTROL_SLOT)
		limit = (int64_t) control->settings->connect_timeout;
	return limit > RETRY_MS ? limit : RETRY_MS;
}

static bool
ask(Control *control, int64_t now)
{
	StrBuf sql = {0};
	bool sent;

	control->on_errand =
		control->step == CONTROL_SLOT && control->errand != NULL;
	if (control->on_errand)
		take_errand(control, &sql);
	else
		builds[control->step](control, &sql);
	sent = !sql.failed && db_send(&control->db, STAGE_SETUP, sql.data);
	strbuf_free(&sql);
	control->due = now + patience(control);
	return sent;
}

static void
copy_value(const Control *control, const char *column, char *to, size_t size)
{
	const char *text = db_value(&control->db, column);

	snprintf(to, size, "%s", text != NULL ? text : "");
	make_printable(to);
}

static void
read_report(Control *control)
{
	SlotReport *slot = &control->slot;

	slot->found = db_value(&control->db, "slot_name") != NULL;
	slot->server_lsn = db_lsn(&control->db, "server_lsn");
	slot->confirmed = db_lsn(&control->db, "confirmed_flush_lsn");
	slot->restart = db_lsn(&control->db, "restart_lsn");
	slot->retained = db_number(&control->db, "retained");
	slot->safe_size = db_number(&control->db, "safe_size");
	slot->xmin_age = db_number(&control->db, "xmin_age");
	slot->decoded = db_number(&control->db, "decoded");
	slot->active_pid = (int) db_number(&control->db, "active_pid");
	copy_value(control, "wal_status", slot->wal_status,
			   sizeof(slot->wal_status));
	copy_value(control, "reason", slot->reason, sizeof(slot->reason));
}

static int64_t
interval(const Control *control)
{
	uint64_t ms = control->settings->status_interval;

	if (control->errand != NULL)
		return 0;
	if (control->pace > 0)
		return control->pace;
	return ms < INTERVAL_MAX_MS ? (int64_t) ms : INTERVAL_MAX_MS;
}

/*
 * A session that is ended may be the only one: pg_terminate_backend().  A
 * server that ends all of them lets nobody in either.
 */
static bool
is_shut(const Db *db)
{
	return db->stage == STAGE_CONNECT &&
		   (db->failure.sqlstate[0] == '\0' ||
			strcmp(db->failure.sqlstate, "57P03") == 0);
}

static ControlEvent
lost(Control *control, int64_t now)
{
	bool shut = control->doubted && is_shut(&control->db);

	control->doubted = control_is_up(control) &&
					   (control->db.shutdown ||
						control->db.failure.class == FAIL_SERVER_SHUTDOWN);
	control_close(control);
	control->due = control->doubted ? now : now + RETRY_MS;
	if (control->doubted)
		return CONTROL_NOTHING;
	return shut ? CONTROL_SHUTDOWN : CONTROL_LOST;
}

/* A connection, or an answer, that was due and did not come counts as lost. */
static ControlEvent
run_due(Control *control, int64_t now)
{
	switch (control->db.state)
	{
		case DB_CLOSED:
			control->due = now + (int64_t) control->settings->connect_timeout;
			return db_open(&control->db, control->settings, false)
					   ? CONTROL_NOTHING
					   : lost(control, now);
		case DB_IDLE:
			return ask(control, now) ? CONTROL_NOTHING : lost(control, now);
		default:
			control->doubted = false;
			failure_set(&control->db.failure, FAIL_NETWORK, "no answer");
			return lost(control, now);
	}
}

/* An answer to that would change nothing: so it is asked for once. */
static bool
wants_tables(Control *control)
{
	bool wants =
		!control->tables_asked && tables_are_named(&control->settings->options);

	control->tables_asked = true;
	return wants;
}

/* Behind one address there may be several servers, too. */
static ControlEvent
take_session(Control *control, int64_t now)
{
	if (db_number(&control->db, "server") != control->server)
	{
		failure_set(&control->db.failure, FAIL_NETWORK,
					"the address belongs to another server than the stream's");
		lost(control, now);
		return CONTROL_ELSEWHERE;
	}
	control->step = wants_tables(control) ? CONTROL_TABLES : CONTROL_SLOT;
	control->due = now;
	return CONTROL_NOTHING;
}

static ControlEvent
answered(Control *control, int64_t now)
{
	switch (control->step)
	{
		case CONTROL_SESSION:
			return take_session(control, now);
		case CONTROL_TABLES:
			control->step = CONTROL_SLOT;
			control->due = now;
			return CONTROL_UNMATCHED;
		default:
			control->heard_at = now;
			control->due = now + interval(control);
			if (control->on_errand)
				return control->errand == NULL ? CONTROL_DONE : CONTROL_NOTHING;
			read_report(control);
			return CONTROL_REPORT;
	}
}

ControlEvent
control_turn(Control *control, int64_t now, short revents)
{
	switch (db_advance(&control->db, revents))
	{
		case DB_CONNECTED:
			control->doubted = false;
			control->due = now;
			break;
		case DB_ANSWERED:
			return answered(control, now);
		case DB_FAILED:
			return lost(control, now);
		case DB_COPIES: /* it asks for none */
		case DB_NOTHING:
			break;
	}
	if (control_is_wanted(control) && now >= control->due)
		return run_due(control, now);
	return CONTROL_NOTHING;
}

/* What is under way has the errand's time from now on. */
bool
control_run(Control *control, StrBuf *sql, int64_t at, int64_t limit)
{
	free(control->errand);
	control->errand = sql->failed ? NULL : sql->data;
	if (sql->failed)
		strbuf_free(sql);
	control->errand_limit = limit;
	control->wanted = true;
	if (control->db.state == DB_IDLE || control->db.state == DB_CLOSED)
		control->due = at;
	else if (control->due < at + limit)
		control->due = at + limit;
	return control->errand != NULL;
}

void
control_hurry(Control *control, int64_t now)
{
	if (control->db.state == DB_IDLE)
		control->due = now;
}
