/*
 * stream_setup.c
 *		From a new replication connection to START_REPLICATION.
 *
 * Each step is a command, built from what is known, and a look at its answer;
 * identity.c has those that compare the server with what the consumer knows,
 * stream_slot.c the one that looks at the slot.
 * All quoting of what users give is done here.
 */
#include "client/link/stream_setup.h"

#include <stdio.h>
#include <string.h>

#include "client/base/strbuf.h"
#include "client/link/identity.h"
#include "client/link/publication.h"
#include "client/link/session.h"
#include "client/link/slot.h"
#include "client/link/stream_slot.h"
#include "common/term/lsn.h"

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
static bool check_nothing(Stream *stream);
static bool check_started(Stream *stream);

enum
{
	STEP_SESSION,
	STEP_IDENTIFY,
	STEP_HISTORY,
	STEP_SLOT,
	STEP_NAMED,		   /* publications of our plugin */
	STEP_REFUSED,	   /* our plugin was: the rest of that answer */
	STEP_PUBLICATIONS, /* those of pgoutput, or to be made for any */
	STEP_TABLES,
	STEP_PUBLISH,
	STEP_CREATE,
	STEP_START
};

static const Step steps[] = {
	[STEP_SESSION] = {STAGE_SETUP, build_session, check_session},
	[STEP_IDENTIFY] = {STAGE_SETUP, identity_build, identity_check},
	[STEP_HISTORY] = {STAGE_SETUP, identity_build_history,
					  identity_check_history},
	[STEP_SLOT] = {STAGE_SETUP, stream_slot_build, stream_slot_check},
	[STEP_NAMED] = {STAGE_SETUP, publication_build_named,
					publication_check_named},
	[STEP_REFUSED] = {STAGE_SETUP, NULL, check_nothing},
	[STEP_PUBLICATIONS] = {STAGE_SETUP, publication_build_look,
						   publication_check_look},
	[STEP_TABLES] = {STAGE_SETUP, publication_build_tables,
					 publication_check_tables},
	[STEP_PUBLISH] = {STAGE_PUBLISH, publication_build_make,
					  publication_check_made},
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

static int
step_after_named(const Stream *stream)
{
	return stream->confirmed != 0 ? STEP_START : STEP_CREATE;
}

/* Publications come before a slot that is to be made. */
static int
step_after_slot(const Stream *stream)
{
	if (stream->plugin == PLUGIN_PGOUTPUT || publication_is_to_be(stream))
		return STEP_PUBLICATIONS;
	return publication_names(stream->settings) != NULL
			   ? STEP_NAMED
			   : step_after_named(stream);
}

static int
step_after_publications(const Stream *stream)
{
	if (stream->pgoutput.missing)
		return STEP_TABLES;
	return stream->confirmed != 0 ? STEP_START : STEP_CREATE;
}

/*
 * A slot, or a publication, that was created is looked at once more, like any
 * other.
 */
static int
next_step(const Stream *stream)
{
	switch (stream->step)
	{
		case STEP_IDENTIFY:
			return identity_timeline_differs(stream) ? STEP_HISTORY : STEP_SLOT;
		case STEP_SLOT:
			return step_after_slot(stream);
		case STEP_NAMED:
			return step_after_named(stream);
		case STEP_PUBLICATIONS:
			return step_after_publications(stream);
		case STEP_PUBLISH:
			return STEP_PUBLICATIONS;
		case STEP_CREATE:
			return STEP_SLOT;
		default:
			return stream->step + 1;
	}
}

/*
 * Our plugin was not asked for by name, and cannot be had: then it is pgoutput,
 * where there is something to read by it.  Whether it can be had nobody may
 * ask; the attempt leaves nothing but a line in the server's log.
 */
static bool
falls_back(Stream *stream)
{
	return stream->step == STEP_CREATE && stream->plugin == PLUGIN_OURS &&
		   publication_replaces(stream->settings, &stream->db.failure);
}

/* Go on where the command that failed has left the connection as it was. */
static StreamEvent
take_pgoutput(Stream *stream)
{
	snprintf(stream->pgoutput.refusal, sizeof(stream->pgoutput.refusal), "%s",
			 stream->db.failure.message);
	stream->plugin = PLUGIN_PGOUTPUT;
	stream->step = STEP_REFUSED;
	return db_recover(&stream->db) == DB_ANSWERED ? stream_setup_answer(stream)
												  : STREAM_NOTHING;
}

/* Servers before 16 do not decode while in recovery. */
StreamEvent
stream_setup_failed(Stream *stream)
{
	if (falls_back(stream))
		return take_pgoutput(stream);
	if (stream->resumes && stream->in_recovery &&
		strcmp(stream->db.failure.sqlstate, "0A000") == 0)
		identity_refuse_standby(stream);
	return STREAM_FAILED;
}

static StreamEvent
go_on(Stream *stream)
{
	int next = next_step(stream);

	if (next == STEP_START && stream->plugin == PLUGIN_PGOUTPUT)
		return STREAM_CATALOGS;
	return run_step(stream, next);
}

StreamEvent
stream_setup_answer(Stream *stream)
{
	if (!steps[stream->step].check(stream))
		return STREAM_FAILED;
	if (stream->step == STEP_START)
		return STREAM_STARTED;
	/* The next command would end the snapshot. */
	if (stream->step == STEP_CREATE && stream->exports)
		return STREAM_EXPORTED;
	return go_on(stream);
}

StreamEvent
stream_setup_go_on(Stream *stream)
{
	return stream->step == STEP_CREATE ? go_on(stream)
									   : run_step(stream, STEP_START);
}

/*
 * How long the server keeps a client that has vanished: no longer than was
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
	strbuf_puts(sql, "SELECT ");
	session_pin(sql);
	strbuf_puts(sql, ", ");
	session_pin_forms(sql);
	strbuf_puts(sql, ", ");
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

static void
build_create(const Stream *stream, StrBuf *sql)
{
	const Settings *settings = stream->settings;
	const SlotKind kind = {.temporary = settings->create == CREATE_TEMPORARY,
						   .exports = stream->exports,
						   .two_phase = settings->two_phase,
						   .failover = settings->failover};

	slot_put_create(sql, settings->slot, stream->plugin, stream->server_version,
					&kind);
}

static bool
check_created(Stream *stream)
{
	const char *snapshot = db_value(&stream->db, "snapshot_name");

	stream->created = true;
	stream->made = stream->settings->create == CREATE_IF_MISSING;
	stream->made_at = db_lsn(&stream->db, "consistent_point");
	snprintf(stream->snapshot, sizeof(stream->snapshot), "%s",
			 snapshot != NULL ? snapshot : "");
	return true;
}

static void
put_option(StrBuf *sql, const char *name, const char *value)
{
	strbuf_put_quoted(sql, name, '"');
	strbuf_puts(sql, " ");
	strbuf_put_quoted(sql, value, '\'');
	strbuf_puts(sql, ", ");
}

static void
put_given(const Stream *stream, const Pair *given, StrBuf *options)
{
	StrBuf names = {0};

	if (strcmp(given->name, "publication_names") != 0)
	{
		put_option(options, given->name, given->value);
		return;
	}
	publication_put_names(stream, &names);
	put_option(options, given->name, strbuf_text(&names));
	options->failed |= names.failed;
	strbuf_free(&names);
}

/* Of our plugin. */
static void
put_options(const Stream *stream, StrBuf *sql)
{
	const Settings *settings = stream->settings;
	const PairList *given = &settings->options;
	StrBuf options = {0};

	for (size_t i = 0; i < given->count; i++)
		put_given(stream, &given->items[i], &options);
	if (stream_streams(stream))
		put_option(&options, "streaming", "on");
	if (settings->two_phase)
		put_option(&options, "two_phase", "on");
	if (options.len > 0)
		strbuf_putf(sql, " (%.*s)", (int) options.len - 2, options.data);
	sql->failed |= options.failed;
	strbuf_free(&options);
}

static void
build_start(const Stream *stream, StrBuf *sql)
{
	char position[LSN_TEXT_SIZE];

	lsn_to_text(stream->position, position);
	strbuf_puts(sql, "START_REPLICATION SLOT ");
	strbuf_put_quoted(sql, stream->settings->slot, '"');
	strbuf_putf(sql, " LOGICAL %s", position);
	if (stream->plugin == PLUGIN_PGOUTPUT)
		publication_put_options(stream, sql);
	else
		put_options(stream, sql);
}

static bool
check_nothing(Stream *stream)
{
	(void) stream;
	return true;
}

static bool
check_started(Stream *stream)
{
	if (stream->db.state != DB_COPY)
		failure_set(&stream->db.failure, FAIL_PROTOCOL,
					"the server did not start streaming");
	return stream->db.state == DB_COPY;
}
