/*
 * trial.c
 *		What only shows when it is done: a walsender, a slot, a publication.
 *
 * No setting tells whether a role may, on any kind of server, nor whether a
 * library can be loaded there.
 */
#include "client/check/trial.h"

#include <string.h>

#include "client/base/strbuf.h"
#include "client/link/ask.h"
#include "client/link/publication.h"

/* An autovacuum of one of the tables would give way after a second. */
#define LOCK_TIMEOUT "500ms"

void
trial_walsender(const Settings *settings, Failure *failure)
{
	Db db = {0};
	StrBuf sql = {0};

	strbuf_puts(&sql, "IDENTIFY_SYSTEM");
	*failure = (Failure){.class = FAIL_NONE};
	if (!ask_open(&db, settings, true) ||
		!ask(&db, settings, STAGE_SETUP, &sql))
		*failure = db.failure;
	db_close(&db);
	strbuf_free(&sql);
}

/* By then the library is loaded, and has accepted the slot. */
static bool
has_waited(const Failure *failure)
{
	return strcmp(failure->sqlstate, "57014") == 0;
}

void
trial_slot(const Settings *settings, OutputPlugin plugin, bool *waits,
		   Failure *failure)
{
	Db db = {0};
	StrBuf sql = {0};

	strbuf_putf(&sql,
				"SELECT pg_create_logical_replication_slot("
				"'pg_etf_check_' || pg_backend_pid(), '%s', true)",
				plugin_choices[plugin]);
	*failure = (Failure){.class = FAIL_NONE};
	if (!ask_open(&db, settings, false) || !ask_set_up(&db, settings) ||
		!ask(&db, settings, STAGE_CREATE, &sql))
		*failure = db.failure;
	*waits = has_waited(failure);
	db_close(&db);
	strbuf_free(&sql);
}

static void
build_look(const Stream *stream, StrBuf *sql)
{
	publication_build_look(stream, sql);
	strbuf_puts(sql, ", EXISTS (SELECT FROM pg_replication_slots "
					 "WHERE slot_name::text = ");
	strbuf_put_literal(
		sql, stream->settings->slot != NULL ? stream->settings->slot : "");
	strbuf_puts(sql, ") AS has_slot");
}

/* With a slot that is there already nothing is made. */
static bool
check_look(Stream *stream)
{
	return db_is_true(&stream->db, "has_slot") ||
		   publication_check_look(stream);
}

static void
build_make(const Stream *stream, StrBuf *sql)
{
	strbuf_puts(sql, "BEGIN; SET LOCAL lock_timeout = '" LOCK_TIMEOUT "'; ");
	publication_build_make(stream, sql);
	strbuf_puts(sql, "; ROLLBACK");
}

static bool
step(Stream *stream, FailureStage stage,
	 void (*build)(const Stream *stream, StrBuf *sql),
	 bool (*check)(Stream *stream))
{
	StrBuf sql = {0};
	bool done;

	build(stream, &sql);
	done = ask(&stream->db, stream->settings, stage, &sql) && check(stream);
	strbuf_free(&sql);
	return done;
}

bool
trial_publish(const Settings *settings, uint64_t *tables, Failure *failure)
{
	Stream stream = {.settings = settings, .plugin = PLUGIN_OURS};
	bool done = ask_open(&stream.db, settings, false) &&
				ask_set_up(&stream.db, settings) &&
				step(&stream, STAGE_SETUP, build_look, check_look);

	if (done && stream.pgoutput.missing)
		done = step(&stream, STAGE_SETUP, publication_build_tables,
					publication_check_tables) &&
			   step(&stream, STAGE_PUBLISH, build_make, publication_check_made);
	*failure = (Failure){.class = FAIL_NONE};
	if (!done)
		*failure = stream.db.failure;
	*tables = stream.pgoutput.made[0].count + stream.pgoutput.made[1].count;
	db_close(&stream.db);
	return !done || stream.pgoutput.missing;
}
