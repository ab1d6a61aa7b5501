/*
 * stream_setup.c
 *		From a new replication connection to START_REPLICATION.
 *
 * Each step is a command, built from what is known, and a look at its answer;
 * identity.c has those that compare the server with what the consumer knows,
 * stream_slot.c the one that looks at the slot.
 * All quoting of what users give is done here.
 */
#include <stdio.h>
#include <string.h>

#include "client/identity.h"
#include "client/session.h"
#include "client/slot.h"
#include "client/strbuf.h"
#include "client/stream.h"
#include "client/stream_slot.h"
#include "common/lsn.h"

typedef struct Step
{
	FailureStage stage;
	void (*build)(const Stream *stream, StrBuf *sql);
	bool (*check)(Stream *stream); /* false: see db.failure */
} Step;

static void build_session(const Stream *stream, StrBuf *sql);
static void build_create(const Stream *stream, StrBuf *sql);
static void build_start(const Stream *stream, StrBuf *sql);
static bool check_session(Stream *stream);
static bool check_created(Stream *stream);
static bool check_started(Stream *stream);

enum
{
	STEP_SESSION,
	STEP_IDENTIFY,
	STEP_HISTORY,
	STEP_SLOT,
	STEP_CREATE,
	STEP_START
};

static const Step steps[] = {
	[STEP_SESSION] = {STAGE_SETUP, build_session, check_session},
	[STEP_IDENTIFY] = {STAGE_SETUP, identity_build, identity_check},
	[STEP_HISTORY] = {STAGE_SETUP, identity_build_history,
					  identity_check_history},
	[STEP_SLOT] = {STAGE_SETUP, stream_slot_build, stream_slot_check},
	[STEP_CREATE] = {STAGE_CREATE, build_create, check_created},
	[STEP_START] = {STAGE_START, build_start, check_started},
};

static StreamEvent
run_step(Stream *stream, int step)
{
	StrBuf sql = {0};
	bool sent;

	stream->step = step;
	steps[step].build(stream, &sql);
	if (sql.failed)
		failure_set(&stream->db.failure, FAIL_INTERNAL, "out of memory");
	sent = !sql.failed && db_send(&stream->db, steps[step].stage, sql.data);
	strbuf_free(&sql);
	return sent ? STREAM_NOTHING : STREAM_FAILED;
}

StreamEvent
stream_setup_begin(Stream *stream)
{
	return run_step(stream, STEP_SESSION);
}

/* A slot that was created is looked at once more, like any other. */
static int
next_step(const Stream *stream)
{
	if (stream->step == STEP_IDENTIFY && !identity_timeline_differs(stream))
		return STEP_SLOT;
	if (stream->step == STEP_SLOT && stream->confirmed != 0)
		return STEP_START;
	if (stream->step == STEP_CREATE)
		return STEP_SLOT;
	return stream->step + 1;
}

/* Servers before 16 do not decode while in recovery. */
StreamEvent
stream_setup_failed(Stream *stream)
{
	if (stream->resumes && stream->in_recovery &&
		strcmp(stream->db.failure.sqlstate, "0A000") == 0)
		identity_refuse_standby(stream);
	return STREAM_FAILED;
}

StreamEvent
stream_setup_answer(Stream *stream)
{
	if (!steps[stream->step].check(stream))
		return STREAM_FAILED;
	if (stream->step == STEP_START)
		return STREAM_STARTED;
	return run_step(stream, next_step(stream));
}

/*
 * How long the server believes in a client that is gone: no longer than was
 * asked for, and less where it says so itself.  PostgreSQL 19 has the same for
 * its own end.  Set here and not by a startup option, which poolers refuse.
 */
static void
build_takeover(const Stream *stream, StrBuf *sql)
{
	unsigned long long ms = stream->settings->takeover_timeout;

	if (ms == 0)
		return;
	strbuf_putf(sql,
				"(SELECT count(pg_catalog.set_config(name, '%llu', false)) "
				"FROM pg_catalog.pg_settings WHERE name IN "
				"('wal_sender_timeout', 'wal_sender_shutdown_timeout') "
				"AND setting::bigint NOT BETWEEN 1 AND %llu), ",
				ms, ms);
}

/*
 * Pin what the text of a value may depend on: a role's or a database's own
 * settings must not change what a consumer gets.
 */
static void
build_session(const Stream *stream, StrBuf *sql)
{
	static const char *const pinned[][2] = {
		{"datestyle", "ISO, YMD"}, {"intervalstyle", "postgres"},
		{"timezone", "UTC"},	   {"extra_float_digits", "3"},
		{"bytea_output", "hex"},   {"xmlbinary", "base64"},
		{"lc_monetary", "C"},
	};

	strbuf_puts(sql, "SELECT ");
	session_pin(sql);
	strbuf_puts(sql, ", ");
	for (size_t i = 0; i < sizeof(pinned) / sizeof(pinned[0]); i++)
		strbuf_putf(sql, "pg_catalog.set_config('%s', '%s', false), ",
					pinned[i][0], pinned[i][1]);
	build_takeover(stream, sql);
	strbuf_puts(sql,
				"pg_catalog.current_setting('server_version_num') AS version, "
				"pg_catalog.pg_backend_pid() AS pid, "
				"CASE WHEN pg_catalog.pg_is_in_recovery() "
				"THEN pg_catalog.pg_last_wal_replay_lsn() "
				"ELSE pg_catalog.pg_current_wal_flush_lsn() END AS lsn, "
				"pg_catalog.pg_is_in_recovery() AS recovery, " SESSION_SERVER
				" AS server, "
				"(SELECT setting FROM pg_catalog.pg_settings "
				"WHERE name = 'wal_sender_timeout') AS sender_timeout");
}

static bool
check_session(Stream *stream)
{
	stream->in_recovery = db_is_true(&stream->db, "recovery");
	stream->server_version = (int) db_number(&stream->db, "version");
	stream->backend_pid = (int) db_number(&stream->db, "pid");
	stream->server = db_number(&stream->db, "server");
	stream->server_lsn = db_lsn(&stream->db, "lsn");
	stream->sender_timeout = db_number(&stream->db, "sender_timeout");
	return true;
}

/* The list of options in parentheses is understood since PostgreSQL 15. */
static void
build_create(const Stream *stream, StrBuf *sql)
{
	const Settings *settings = stream->settings;

	strbuf_puts(sql, "CREATE_REPLICATION_SLOT ");
	strbuf_put_quoted(sql, settings->slot, '"');
	strbuf_puts(sql, settings->create == CREATE_TEMPORARY ? " TEMPORARY" : "");
	strbuf_puts(sql, " LOGICAL " PLUGIN_NAME);
	if (stream->server_version < 150000)
	{
		strbuf_puts(sql, " NOEXPORT_SNAPSHOT");
		strbuf_puts(sql, settings->two_phase ? " TWO_PHASE" : "");
		return;
	}
	strbuf_puts(sql, " (SNAPSHOT 'nothing'");
	strbuf_puts(sql, settings->two_phase ? ", TWO_PHASE" : "");
	strbuf_puts(sql, settings->failover ? ", FAILOVER" : "");
	strbuf_puts(sql, ")");
}

static bool
check_created(Stream *stream)
{
	stream->created = true;
	stream->made = stream->settings->create == CREATE_IF_MISSING;
	return true;
}

static void
build_start(const Stream *stream, StrBuf *sql)
{
	const PairList *options = &stream->settings->options;
	char position[LSN_TEXT_SIZE];

	lsn_to_text(stream->position, position);
	strbuf_puts(sql, "START_REPLICATION SLOT ");
	strbuf_put_quoted(sql, stream->settings->slot, '"');
	strbuf_putf(sql, " LOGICAL %s", position);
	for (size_t i = 0; i < options->count; i++)
	{
		strbuf_puts(sql, i == 0 ? " (" : ", ");
		strbuf_put_quoted(sql, options->items[i].name, '"');
		strbuf_puts(sql, " ");
		strbuf_put_quoted(sql, options->items[i].value, '\'');
	}
	strbuf_puts(sql, options->count > 0 ? ")" : "");
}

static bool
check_started(Stream *stream)
{
	if (stream->db.state != DB_COPY)
		failure_set(&stream->db.failure, FAIL_PROTOCOL,
					"the server did not start to stream");
	return stream->db.state == DB_COPY;
}
