/*
 * catalogs.c
 *		Questions of the source to the catalogs, over the control connection.
 *
 * Called by connect.c and watch.c.  An answer takes some milliseconds, and is
 * needed once for each stream, and once for a table that is made, or altered,
 * while it runs.
 */
#include "client/engine/catalogs.h"

#include <stdio.h>

#include "client/base/printable.h"
#include "client/engine/attempt.h"
#include "client/link/publication.h"
#include "client/link/publication_notes.h"

/* Before a question is asked again that was lost. */
#define RETRY_MS 1000

/* The one for notes may be what ends its connection. */
#define NOTES_TRIES 3

/* The control connection had its turn before; the next one is at once. */
static bool
run(Engine *engine, StrBuf *sql, int64_t at)
{
	if (engine_due(engine, at))
		engine->wake_at = engine->now;
	return control_run(&engine->control, sql, at,
					   (int64_t) engine->settings->connect_timeout);
}

static void
ask(Engine *engine, int64_t at)
{
	StrBuf sql = {0};
	Failure failure;

	engine->asked_notes = false;
	source_question(&engine->source, &sql);
	engine->asked = run(engine, &sql, at);
	if (engine->asked)
		return;
	failure_set(&failure, FAIL_INTERNAL, "out of memory");
	attempt_abandon(engine, &failure);
}

static void
give_up(Engine *engine)
{
	const Failure *lost = &engine->control.db.failure;
	bool is_known = engine->asks_lost && lost->class != FAIL_NONE;
	Failure failure;

	failure_set(&failure, FAIL_NETWORK,
				"the catalogs did not answer within %llu ms%s%s",
				(unsigned long long) engine->settings->connect_timeout,
				is_known ? ": " : "", is_known ? lost->message : "");
	attempt_failed(engine, &failure);
}

/*
 * At first of all tables, and then of those that come anew, with each look at
 * the slot: it takes a while where there are many.
 */
static bool
has_untold(const Engine *engine)
{
	return !engine->notes_told ||
		   (engine->looked && source_met(&engine->source)->len > 0);
}

/*
 * A question of the source's takes the place of the one for notes, and each may
 * be lost with its connection: then the notes come later.
 */
static bool
notes_are_due(Engine *engine)
{
	if (engine->phase != ENGINE_STREAMING || !has_untold(engine) ||
		engine->stream.plugin != PLUGIN_PGOUTPUT ||
		!control_is_up(&engine->control) ||
		control_has_errand(&engine->control))
		return false;
	if (engine->asked_notes)
		engine->notes_lost++;
	engine->asked_notes = false;
	return engine->notes_lost < NOTES_TRIES;
}

/* For whoever wonders later why something does not come. */
static void
ask_notes(Engine *engine)
{
	const Stream *stream = &engine->stream;
	const WireType *unfit = source_unfit(&engine->source);
	const StrBuf *met = source_met(&engine->source);
	NotesAbout about = {.tables = engine->notes_told ? strbuf_text(met) : NULL,
						.options = &engine->settings->options,
						.server_version = stream->server_version,
						.text = stream->pgoutput.text,
						.unfit = unfit != NULL ? unfit->oid : 0};
	StrBuf names = {0};
	StrBuf sql = {0};

	engine->looked = false;
	engine->notes_about = met->len;
	publication_put_names(stream, &names);
	about.publications = strbuf_text(&names);
	publication_notes_build(&about, &sql);
	sql.failed |= names.failed;
	strbuf_free(&names);
	engine->asked_notes = run(engine, &sql, engine->now);
}

void
catalogs_turn(Engine *engine)
{
	int64_t limit = (int64_t) engine->settings->connect_timeout;
	Failure stopping;

	if (!engine->source.asks)
	{
		engine->asks_since = 0;
		if (notes_are_due(engine))
			ask_notes(engine);
		return;
	}
	if (engine->asks_since == 0)
	{
		engine->asks_since = engine->now;
		engine->asks_lost = false;
	}
	if (engine->asked && !control_has_errand(&engine->control))
	{
		engine->asks_lost = true;
		engine->asked = false;
	}
	if (engine->server_stopping)
	{
		failure_set(&stopping, FAIL_SERVER_SHUTDOWN,
					"the server is shutting down while the catalogs are asked");
		attempt_failed(engine, &stopping);
	}
	else if (engine_due(engine, engine->asks_since + limit))
		give_up(engine);
	else if (!engine->asked)
		ask(engine, engine->asks_lost ? engine->now + RETRY_MS : engine->now);
}

static void
tell_notes(Engine *engine)
{
	const PGresult *result = engine->control.db.result;
	const PublicationNote *note;
	char names[400];
	char text[600];

	engine->notes_told = true;
	engine->notes_lost = 0;
	source_told(&engine->source, engine->notes_about);
	for (int row = 0; row < PQntuples(result); row++)
	{
		copy_printable(names, sizeof(names), PQgetvalue(result, row, 2));
		note = publication_note(PQgetvalue(result, row, 0));
		snprintf(text, sizeof(text), note->text, PQgetvalue(result, row, 1),
				 names);
		consumer_log(engine->consumer, note->level, "%s", text);
	}
}

bool
catalogs_answered(Engine *engine)
{
	if (engine->asked_notes && !engine->asked)
	{
		engine->asked_notes = false;
		tell_notes(engine);
		return true;
	}
	if (!engine->asked)
		return false;
	engine->asked = false;
	if (engine->source.asks)
	{
		source_answer(&engine->source, engine->control.db.result);
		engine->wake_at = engine->now;
	}
	return true;
}
