/*
 * exact_end.c
 *		The end of a round, however it comes: the stream goes on.
 *
 * Called by exact_round.c and exact.c.
 */
#include "client/engine/exact_end.h"

#include "client/engine/attempt.h"
#include "client/engine/exact_jobs.h"
#include "client/engine/exact_ranges.h"
#include "client/link/stream_setup.h"

/* The stream goes on from where it stands. */
static void
let_stream_go_on(Engine *engine)
{
	Exact *exact = &engine->exact;

	exact->park_at = 0;
	exact->arrived = false;
	if (engine->phase != ENGINE_SNAPSHOT)
		return;
	if (engine->stream.db.state == DB_CLOSED)
	{
		attempt_begin(engine);
		return;
	}
	engine_set_phase(engine, ENGINE_CONNECTING);
	if (stream_setup_go_on(&engine->stream) == STREAM_FAILED)
		attempt_failed(engine, &engine->stream.db.failure);
}

static void
close_round(Engine *engine)
{
	Exact *exact = &engine->exact;

	jobs_end(engine, "the round is over");
	reader_close(&exact->keeper);
	snapshot_maker_close(&exact->maker);
	history_close(&exact->history);
	exact->fresh = false;
	exact->make_at = engine->now;
}

/* What is tried again is told, and not at once. */
static void
try_again(Engine *engine)
{
	Exact *exact = &engine->exact;
	uint32_t delay = backoff_fail(&exact->maker_backoff, (uint32_t) random());
	const Failure *failure = &exact->failure;

	exact->make_at = engine->now + delay;
	consumer_log(engine->consumer, "warning",
				 "backfill \"%s\": another snapshot in %.1f s: %s%s%s",
				 exact->request.id, delay / 1000.0, failure->message,
				 failure->hint[0] != '\0' ? ". " : "", failure->hint);
	exact->failure.class = FAIL_NONE;
}

void
round_give_up(Engine *engine)
{
	Exact *exact = &engine->exact;

	close_round(engine);
	exact->stage = exact->tables != NULL && ranges_all_given(engine)
					   ? EXACT_DRAINING
					   : EXACT_WAITING;
	if (exact->stage == EXACT_WAITING && exact->failure.class != FAIL_NONE)
		try_again(engine);
	if (exact->stage != EXACT_DRAINING || !exact->only)
		let_stream_go_on(engine);
}

void
round_fail(Engine *engine, const Failure *failure)
{
	engine->exact.failure = *failure;
	round_give_up(engine);
}
