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

/* Temporary, so nobody else has it. */
#define SLOT_NAME "'pg_etf_check_' || pg_backend_pid()"

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

static bool
make_slot(Db *db, const Settings *settings, OutputPlugin plugin)
{
	StrBuf sql = {0};
	bool made;

	strbuf_putf(&sql,
				"SELECT pg_create_logical_replication_slot(" SLOT_NAME
				", '%s', true)",
				plugin_choices[plugin]);
	made = ask(db, settings, STAGE_CREATE, &sql);
	strbuf_free(&sql);
	return made;
}

/* Whoever decodes looks at them first; of the rows one is enough. */
static bool
read_slot(Db *db, const Settings *settings)
{
	const PairList *options = &settings->options;
	StrBuf sql = {0};
	bool accepted;

	strbuf_puts(
		&sql,
		"SELECT count(*) FROM pg_logical_slot_peek_binary_changes(" SLOT_NAME
		", NULL, 1, VARIADIC ARRAY[");
	for (size_t i = 0; i < options->count; i++)
	{
		strbuf_puts(&sql, i == 0 ? "" : ", ");
		strbuf_put_literal(&sql, options->items[i].name);
		strbuf_puts(&sql, ", ");
		strbuf_put_literal(&sql, options->items[i].value);
	}
	strbuf_puts(&sql, "]::text[])");
	accepted = ask(db, settings, STAGE_START, &sql);
	strbuf_free(&sql);
	return accepted;
}

void
trial_slot(const Settings *settings, OutputPlugin plugin, SlotTrial *trial)
{
	Db db = {0};

	*trial = (SlotTrial){.waits = false};
	if (!ask_open(&db, settings, false) || !ask_set_up(&db, settings) ||
		!make_slot(&db, settings, plugin))
		trial->slot = db.failure;
	else if (plugin == PLUGIN_OURS && settings->options.count > 0 &&
			 !read_slot(&db, settings))
		trial->options = db.failure;
	trial->waits = has_waited(&trial->slot);
	db_close(&db);
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
