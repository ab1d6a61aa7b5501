/*
 * backfills.c
 *		What the consumer may ask of backfills.
 *
 * Of each it knows the id.  One that makes no sense, or of an id that nobody
 * knows, is no failure of the stream.
 */
#include "client/engine/engine.h"

#include "client/engine/attempt.h"
#include "client/engine/exact.h"
#include "client/engine/exact_handover.h"
#include "client/engine/exact_tell.h"
#include "client/engine/incrementals.h"

/* Any round but that of the slot's own snapshot ends the stream for a while. */
static bool
ends_slot(const Engine *engine, const BackfillRequest *request)
{
	return request->mode == BACKFILL_EXACT &&
		   engine->settings->create == CREATE_TEMPORARY &&
		   (engine->phase != ENGINE_SNAPSHOT || request->connection.count > 0);
}

/* False: see "problem". */
static bool
can_be(Engine *engine, const BackfillRequest *request, const char **problem)
{
	if (exact_is(engine, request->id) ||
		incrementals_find(engine, request->id) != NULL)
		*problem = "it is under way";
	else if (request->mode == BACKFILL_INCREMENTAL)
		*problem = incrementals_are_full(engine)
					   ? "too many backfills at a time"
					   : NULL;
	else if (engine->exact.stage != EXACT_NONE)
		*problem = "another exact backfill is under way";
	if (*problem != NULL)
		return false;
	if (request->mode == BACKFILL_INCREMENTAL &&
		(engine->settings->plugin == PLUGIN_PGOUTPUT ||
		 engine->stream.plugin == PLUGIN_PGOUTPUT))
		*problem = INCREMENTAL_NEEDS_PLUGIN;
	else if (ends_slot(engine, request))
		*problem = "mode exact would end the connection, and the temporary "
				   "slot with it";
	else if (engine->phase >= ENGINE_CONFIRMING)
		*problem = "the stream is about to end";
	return *problem == NULL;
}

/* Before the first stream it is a failure of all: nothing was made yet. */
static void
refuse(Engine *engine, BackfillRequest *request, const char *problem)
{
	bool first =
		engine->phase == ENGINE_SNAPSHOT && engine->exact.stage == EXACT_NONE;
	Failure failure;

	failure_set(&failure, FAIL_CONFIG, "backfill \"%s\": %s", request->id,
				problem);
	tell_failed(engine, request->id, &failure);
	request_free(request);
	if (first)
		attempt_abandon(engine, &failure);
}

void
engine_backfill(Engine *engine, BackfillRequest *request, const char *problem)
{
	if (problem != NULL || !can_be(engine, request, &problem))
		refuse(engine, request, problem);
	else if (request->mode == BACKFILL_INCREMENTAL)
		incrementals_begin(engine, request);
	else
		exact_begin(engine, request);
}

static void
warn(Engine *engine, const char *id, const char *what)
{
	consumer_log(engine->consumer, "warning", "%s: no backfill \"%s\" runs",
				 what, id);
}

/* What is wrong with a command is the consumer's mistake, not its end. */
static void
expect(Engine *engine, const char *id, const char *what, bool sound)
{
	if (!sound)
		consumer_log(engine->consumer, "warning",
					 "%s: backfill \"%s\" has no such chunk or key", what, id);
}

void
engine_backfill_done(Engine *engine, const char *id, uint64_t chunk)
{
	Incremental *inc = incrementals_find(engine, id);

	if (inc != NULL)
		expect(engine, id, "backfill_done",
			   incrementals_done(engine, inc, chunk));
	else if (exact_is(engine, id))
		exact_chunk_done(engine, chunk);
	else
		warn(engine, id, "backfill_done");
}

void
engine_backfill_retry(Engine *engine, const char *id, uint64_t chunk,
					  const char *reason)
{
	Incremental *inc = incrementals_find(engine, id);

	if (inc != NULL)
		expect(engine, id, "backfill_retry",
			   incremental_retry(inc, chunk, reason));
	else
		warn(engine, id, "backfill_retry");
}

void
engine_backfill_keys(Engine *engine, const char *id, uint64_t rel,
					 const uint8_t *keys, size_t len)
{
	Incremental *inc = incrementals_find(engine, id);

	engine->keys_taken++;
	incrementals_hold(engine);
	if (inc != NULL)
		expect(engine, id, "backfill_keys",
			   incremental_keys(inc, engine->keys_taken, rel, keys, len));
	else if (exact_is(engine, id))
		handover_keys(engine, rel, keys, len);
	else
		warn(engine, id, "backfill_keys");
}

void
engine_backfill_pause(Engine *engine, const char *id, bool pause)
{
	Incremental *inc = incrementals_find(engine, id);

	if (inc != NULL)
		incremental_pause(inc, pause);
	else if (exact_is(engine, id))
		exact_pause(engine, pause);
	else
		warn(engine, id, pause ? "backfill_pause" : "backfill_resume");
}

void
engine_backfill_stop(Engine *engine, const char *id)
{
	Incremental *inc = incrementals_find(engine, id);

	if (inc != NULL)
		incremental_stop(inc);
	else if (exact_is(engine, id))
		exact_stop(engine);
	else
		warn(engine, id, "backfill_stop");
}
