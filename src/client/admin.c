/*
 * admin.c
 *		Make, drop and show slots, over an ordinary connection.
 *
 * Called by main.c, before anything streams.
 */
#include "client/admin.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "client/clean.h"
#include "client/db.h"
#include "client/loop.h"
#include "client/session.h"
#include "client/slot.h"
#include "client/strbuf.h"

/* Advance until something has happened, within the time to connect. */
static DbEvent
wait_for(Db *db, const Settings *settings)
{
	int64_t until =
		loop_clock() + (int64_t) settings->connect_timeout * (db->hosts + 1);

	for (;;)
	{
		struct pollfd fd = {.fd = db_fd(db), .events = db_events(db)};
		int64_t left = until - loop_clock();
		DbEvent event;

		if (left <= 0 || poll(&fd, 1, (int) left) == 0)
		{
			failure_set(&db->failure, FAIL_NETWORK,
						"no answer from the server");
			return DB_FAILED;
		}
		event = db_advance(db, fd.revents);
		if (event != DB_NOTHING)
			return event;
	}
}

static bool
command(Db *db, const Settings *settings, FailureStage stage, const StrBuf *sql)
{
	return db_send(db, stage, sql->data) &&
		   wait_for(db, settings) == DB_ANSWERED;
}

/*
 * The server would go on waiting for the moment at which a slot can begin
 * long after we have left: it must give up first.
 */
static bool
set_up(Db *db, const Settings *settings)
{
	StrBuf sql = {0};
	bool done;

	strbuf_puts(&sql, "SELECT ");
	session_pin(&sql);
	strbuf_putf(&sql,
				", pg_catalog.set_config('statement_timeout', '%llums', false)",
				(unsigned long long) settings->connect_timeout);
	done = !sql.failed && command(db, settings, STAGE_SETUP, &sql);
	strbuf_free(&sql);
	return done;
}

/* A slot of another plugin, or of none, is somebody else's. */
static bool
is_ours(Db *db, const Settings *settings)
{
	StrBuf sql = {0};
	bool ours;

	strbuf_puts(&sql, "SELECT plugin FROM pg_catalog.pg_replication_slots "
					  "WHERE slot_name = ");
	strbuf_put_literal(&sql, settings->slot);
	ours = !sql.failed && command(db, settings, STAGE_SETUP, &sql) &&
		   (PQntuples(db->result) == 0 ||
			slot_is_ours(settings->slot, db_value(db, "plugin"), &db->failure));
	strbuf_free(&sql);
	return ours;
}

/* Connect and run one command; the answer stands in db->result. */
static bool
run(Db *db, const Arguments *args, const StrBuf *sql)
{
	const Settings *settings = &args->settings;

	if (sql->failed)
	{
		*db = (Db){.state = DB_CLOSED};
		failure_set(&db->failure, FAIL_INTERNAL, "out of memory");
		return false;
	}
	return db_open(db, settings, false) &&
		   wait_for(db, settings) == DB_CONNECTED &&
		   (!args->create_slot ||
			slot_supported(settings, PQserverVersion(db->conn),
						   &db->failure)) &&
		   set_up(db, settings) && (args->status || is_ours(db, settings)) &&
		   command(db, settings, args->drop_slot ? STAGE_DROP : STAGE_CREATE,
				   sql);
}

/* Arguments that an older server does not have are only named when wanted. */
static void
build_create(const Arguments *args, StrBuf *sql)
{
	const Settings *settings = &args->settings;

	strbuf_puts(
		sql,
		"SELECT pg_catalog.pg_create_logical_replication_slot(slot, '" PLUGIN_NAME
		"'");
	strbuf_puts(sql, settings->two_phase ? ", twophase => true" : "");
	strbuf_puts(sql, settings->failover ? ", failover => true" : "");
	strbuf_puts(sql, ") FROM (SELECT ");
	strbuf_put_literal(sql, settings->slot);
	strbuf_puts(sql, "::name AS slot) AS wanted");
	if (args->if_not_exists)
		strbuf_puts(sql, " WHERE slot NOT IN (SELECT slot_name "
						 "FROM pg_catalog.pg_replication_slots)");
}

static bool
was_faster(const Db *db)
{
	return strcmp(db->failure.sqlstate, "42710") == 0;
}

/*
 * Somebody may make the same slot between the look and its creation: that is
 * an existing slot, whose plugin is looked at in turn.
 */
void
admin_create(Arguments *args, Failure *failure)
{
	StrBuf sql = {0};
	Db db = {0};
	bool done;

	build_create(args, &sql);
	done = run(&db, args, &sql);
	if (!done && args->if_not_exists && was_faster(&db))
	{
		db_close(&db);
		done = run(&db, args, &sql);
	}
	if (!done)
		*failure = db.failure;
	args->made = done && PQntuples(db.result) > 0;
	db_close(&db);
	strbuf_free(&sql);
}

void
admin_drop(const Arguments *args, Failure *failure)
{
	StrBuf sql = {0};
	Db db = {0};

	strbuf_puts(&sql, "SELECT pg_catalog.pg_drop_replication_slot(");
	strbuf_put_literal(&sql, args->settings.slot);
	strbuf_puts(&sql, ")");
	if (!run(&db, args, &sql))
		*failure = db.failure;
	db_close(&db);
	strbuf_free(&sql);
}

static void
build_status(const Arguments *args, StrBuf *sql)
{
	strbuf_puts(
		sql, "SELECT s.slot_name AS slot, s.database, "
			 "pg_catalog.pg_size_pretty(lsn - s.confirmed_flush_lsn) AS lag, "
			 "(lsn - s.confirmed_flush_lsn)::bigint AS lag_bytes, "
			 "pg_catalog.to_jsonb(s) ->> 'wal_status' AS wal_status, "
			 "pg_catalog.pg_size_pretty(lsn - s.restart_lsn) AS retained, "
			 "s.confirmed_flush_lsn AS confirmed, "
			 "coalesce(s.active_pid::text, '-') AS active_pid, "
			 "coalesce(pg_catalog.to_jsonb(s) ->> 'invalidation_reason', '-') "
			 "AS invalidated, coalesce(pg_catalog.current_setting("
			 "'effective_wal_level', true), "
			 "pg_catalog.current_setting('wal_level')) AS wal_level, "
			 "coalesce(pg_catalog.to_jsonb(s) ->> "
			 "'slotsync_skip_reason', '-') AS sync_skipped "
			 "FROM pg_catalog.pg_replication_slots AS s, "
			 "(SELECT CASE WHEN pg_catalog.pg_is_in_recovery() "
			 "THEN pg_catalog.pg_last_wal_replay_lsn() "
			 "ELSE pg_catalog.pg_current_wal_flush_lsn() END AS lsn) AS now "
			 "WHERE s.plugin = '" PLUGIN_NAME "'");
	if (args->settings.slot != NULL)
	{
		strbuf_puts(sql, " AND s.slot_name = ");
		strbuf_put_literal(sql, args->settings.slot);
	}
	strbuf_puts(sql, " ORDER BY 1");
}

/* The names of databases may hold anything. */
static void
clean_result(PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++)
		for (int column = 0; column < PQnfields(result); column++)
			clean_text(PQgetvalue(result, row, column));
}

static int
column_width(const PGresult *result, int column)
{
	int width = (int) strlen(PQfname(result, column));

	for (int row = 0; row < PQntuples(result); row++)
	{
		int len = (int) strlen(PQgetvalue(result, row, column));

		if (len > width)
			width = len;
	}
	return width;
}

/* Row -1 is the heading. */
static void
print_row(const PGresult *result, int row)
{
	for (int column = 0; column < PQnfields(result); column++)
		printf("%s%-*s", column > 0 ? "  " : "", column_width(result, column),
			   row < 0 ? PQfname(result, column)
					   : PQgetvalue(result, row, column));
	putchar('\n');
}

void
admin_status(const Arguments *args, Failure *failure)
{
	StrBuf sql = {0};
	Db db = {0};

	build_status(args, &sql);
	if (!run(&db, args, &sql))
		*failure = db.failure;
	else if (PQntuples(db.result) == 0 && args->settings.slot != NULL)
		failure_set(failure, FAIL_SLOT_MISSING,
					"slot \"%s\" of plugin %s does not exist",
					args->settings.slot, PLUGIN_NAME);
	else
	{
		clean_result(db.result);
		for (int row = -1; row < PQntuples(db.result); row++)
			print_row(db.result, row);
	}
	db_close(&db);
	strbuf_free(&sql);
}
