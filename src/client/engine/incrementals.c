/*
 * incrementals.c
 *		Backfills of mode incremental, beside the stream.
 *
 * Called by engine.c once a turn, and by backfills.c.
 */
#include "client/engine/incrementals.h"

#include <string.h>

/* A backlog that is larger has the right of way. */
#define BACKLOG_MAX ((uint64_t) 16 << 20)

/* For what is done to be kept, when all ends. */
#define STOP_MS 1000

/* That was waited for: it is not waited for again, kept or not. */
#define STOP_HELD ((int64_t) -1)

static StreamPlace
place_of(const Engine *engine)
{
	const Feedback *feedback = &engine->feedback;
	const HeldFrame *held = &engine->held;
	bool streaming = engine->phase == ENGINE_STREAMING;
	uint64_t reached = engine->passed_lsn;

	if (held->data != NULL && frame_begins(&held->head) &&
		held->head.commit_lsn > reached)
		reached = held->head.commit_lsn;
	return (StreamPlace){.now = engine->now,
						 .streaming = streaming,
						 .snapshot = engine->phase == ENGINE_SNAPSHOT,
						 .between = !feedback->open && !feedback->rewind,
						 .caught_up = streaming && engine->catch_up_to == 0 &&
									  engine->server_lsn <=
										  engine->passed_lsn + BACKLOG_MAX,
						 .reached = reached,
						 .delivered = feedback->delivered,
						 .changed_at = engine->changed_at,
						 .stream = &engine->stream,
						 .hosts = &engine->control.db.host_order};
}

bool
incrementals_are_full(const Engine *engine)
{
	size_t running = 0;

	for (size_t i = 0; i < engine->incrementals_used; i++)
		running += incremental_runs(&engine->incrementals[i]);
	return running >= INCREMENTALS_ASKED_MAX + engine->kept.found ||
		   running == INCREMENTALS_MAX;
}

/* What every role has written is read, and the stream has only a part of it. */
static void
warn_of_origin(Engine *engine, const char *id)
{
	const char *origin = pairs_get(&engine->settings->options, "origin");

	if (origin != NULL && strcmp(origin, "none") == 0)
		consumer_log(engine->consumer, "warning",
					 "backfill \"%s\": rows of any origin are read, although "
					 "the stream has option origin=none",
					 id);
}

void
incrementals_begin(Engine *engine, BackfillRequest *request)
{
	size_t i = 0;

	while (incremental_runs(&engine->incrementals[i]))
		i++;
	if (i == engine->incrementals_used)
		engine->incrementals_used++;
	warn_of_origin(engine, request->id);
	incremental_begin(&engine->incrementals[i], engine->consumer,
					  engine->settings, request);
}

void
incrementals_go_on(Engine *engine, BackfillRequest *request,
				   BackfillState *state)
{
	char id[BACKFILL_ID_MAX + 1];
	Incremental *inc;

	memcpy(id, request->id, sizeof(id));
	incrementals_begin(engine, request);
	inc = incrementals_find(engine, id);
	if (inc != NULL)
		incremental_go_on(inc, state);
	else
		backfill_state_free(state);
}

void
incrementals_free(Engine *engine)
{
	for (size_t i = 0; i < INCREMENTALS_MAX; i++)
		incremental_free(&engine->incrementals[i]);
}

Incremental *
incrementals_find(Engine *engine, const char *id)
{
	for (size_t i = 0; i < engine->incrementals_used; i++)
	{
		if (incremental_runs(&engine->incrementals[i]) &&
			strcmp(engine->incrementals[i].request.id, id) == 0)
			return &engine->incrementals[i];
	}
	return NULL;
}

void
incrementals_poll(const Engine *engine, struct pollfd *fds)
{
	StreamPlace place;

	for (size_t i = 0; i < INCREMENTALS_POLLS; i++)
		fds[i].fd = -1;
	if (engine->incrementals_used == 0 || engine->phase == ENGINE_DONE)
		return;
	place = place_of(engine);
	for (size_t i = 0; i < engine->incrementals_used; i++)
		incremental_poll(&engine->incrementals[i], &place, fds + i * INC_POLLS);
}

/* Places are large: what the loop does in each turn looks at few of them. */
static void
forget_ended(Engine *engine)
{
	while (
		engine->incrementals_used > 0 &&
		!incremental_runs(&engine->incrementals[engine->incrementals_used - 1]))
		engine->incrementals_used--;
}

/* All that one of them says of the stream. */
static void
note(Engine *engine, const Incremental *inc, uint64_t *unkept, bool *behind)
{
	uint64_t awaits = incremental_awaits(inc);

	if (awaits > engine->await_lsn)
		engine->await_lsn = awaits;
	*unkept = unkept_min(*unkept, incremental_unkept(inc));
	*behind |= incremental_is_behind(inc);
	engine_due(engine, inc->wake_at);
}

static void
end_stop(Engine *engine)
{
	engine->stop_held_since = STOP_HELD;
	engine->stop_is_due = true;
}

/* All keys of moved rows that came before this command. */
static void
kept_up_to(Engine *engine, uint64_t unkept)
{
	uint64_t kept = unkept == 0 ? engine->keys_taken : unkept - 1;
	const Field count = field_number("commands", kept);

	if (unkept == 0)
		engine->confirm_up_to = UINT64_MAX;
	if (kept == engine->keys_kept)
		return;
	engine->keys_kept = kept;
	consumer_report(engine->consumer, "keys_kept", NULL, &count, 1);
}

void
incrementals_turn(Engine *engine, const struct pollfd *fds)
{
	StreamPlace place = place_of(engine);
	bool reads = engine->stop_held_since == 0;
	uint64_t unkept = exact_unkept(&engine->exact);
	bool behind = false;

	engine->await_lsn = 0;
	for (size_t i = 0; i < engine->incrementals_used; i++)
	{
		Incremental *inc = &engine->incrementals[i];

		if (!incremental_runs(inc))
			continue;
		incremental_turn(inc, &place, fds + i * INC_POLLS, reads);
		reads &= !incremental_runs(inc) || incremental_rests(inc);
		if (incremental_runs(inc))
			note(engine, inc, &unkept, &behind);
	}
	forget_ended(engine);
	kept_up_to(engine, unkept);
	if (engine->stop_held_since > 0 &&
		(!behind || engine_due(engine, engine->stop_held_since + STOP_MS)))
		end_stop(engine);
}

bool
incrementals_done(Engine *engine, Incremental *inc, uint64_t chunk)
{
	StreamPlace place = place_of(engine);

	return incremental_done(inc, chunk, &place);
}

bool
incrementals_can_go_on(const Engine *engine)
{
	StreamPlace place = place_of(engine);

	for (size_t i = 0; i < engine->incrementals_used; i++)
	{
		if (incremental_can_go_on(&engine->incrementals[i], &place))
			return true;
	}
	return false;
}

void
incrementals_hold(Engine *engine)
{
	if (engine->confirm_up_to == UINT64_MAX)
		engine->confirm_up_to = engine->feedback.flushed;
}

bool
incrementals_hold_stop(Engine *engine)
{
	bool behind = false;

	if (engine->stop_is_due || engine->stop_held_since != 0)
		return engine->stop_held_since > 0;
	for (size_t i = 0; i < engine->incrementals_used; i++)
	{
		Incremental *inc = &engine->incrementals[i];

		if (incremental_runs(inc) && incremental_is_behind(inc))
			behind = inc->hurries = true;
	}
	if (behind)
		engine->stop_held_since = engine->now;
	return behind;
}
