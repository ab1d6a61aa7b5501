/*
 * exact_round.c
 *		A round: a snapshot, the stream up to it, the reads, the stream again.
 *
 * Called by exact.c.  The snapshot is made by the creation of a slot, whose
 * connection can do nothing else as long as it is needed: so the keeper imports
 * it, and exports it again for all that read.  It lasts as long as the keeper;
 * whoever has begun a range has it for himself.
 */
#include "client/engine/exact_round.h"

#include "client/engine/attempt.h"
#include "client/engine/exact_desk.h"
#include "client/engine/exact_end.h"
#include "client/engine/exact_failover.h"
#include "client/engine/exact_handover.h"
#include "client/engine/exact_hold.h"
#include "client/engine/exact_jobs.h"
#include "client/engine/exact_plan.h"
#include "client/engine/exact_reading.h"
#include "client/engine/exact_tell.h"
#include <stdio.h>

/* A stream this far behind has the right of way. */
#define CAUGHT_UP_BYTES (16u << 20)

/* Between rounds that came to nothing. */
#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 60000

#define PROGRESS_MS 1000

/* Where the readers are; NULL and 0: where the request says. */
static const Hosts *
hosts(const Engine *engine)
{
	return engine->exact.request.connection.count > 0
			   ? NULL
			   : &engine->control.db.host_order;
}

static void
open_keeper(Engine *engine)
{
	Exact *exact = &engine->exact;

	exact->server = hosts(engine) == NULL ? 0 : engine->control.server;
	snprintf(exact->identifier, sizeof(exact->identifier), "%s",
			 engine->stream.system_identifier);
	exact->stage = EXACT_HOLDING;
	exact->held_at = engine->now;
	exact->ending = false;
	exact->failure.class = FAIL_NONE;
	reading_choose(engine);
	reader_open(&exact->keeper, reading_use(engine), &exact->settings,
				hosts(engine), exact->server, exact->identifier, engine->now);
}

void
round_begin_with_slot(Engine *engine)
{
	Exact *exact = &engine->exact;

	desk_forget_state(engine);
	exact->fresh = true;
	exact->lsn = engine->stream.made_at;
	snprintf(exact->snapshot, sizeof(exact->snapshot), "%s",
			 engine->stream.snapshot);
	engine_set_phase(engine, ENGINE_SNAPSHOT);
	open_keeper(engine);
}

static bool
has_caught_up(const Engine *engine)
{
	const Feedback *feedback = &engine->feedback;
	uint64_t at = feedback->delivered > feedback->flushed ? feedback->delivered
														  : feedback->flushed;

	return engine->phase == ENGINE_STREAMING && !engine->server_stopping &&
		   engine->server_lsn <= at + CAUGHT_UP_BYTES;
}

static void
turn_waiting(Engine *engine, const short *revents)
{
	Exact *exact = &engine->exact;
	Failure failure;

	(void) revents;
	if (engine->phase == ENGINE_STREAMING &&
		!reading_knows_slot(engine, &failure))
	{
		desk_refuse(engine, &failure);
		return;
	}
	if (engine->phase == ENGINE_STREAMING &&
		(failover_begin(engine) || handover_turn(engine)))
		return;
	if (engine->phase == ENGINE_STREAMING && exact->nothing_left)
		exact->stage = EXACT_DRAINING;
	if (exact->stage == EXACT_DRAINING || exact->paused || exact->cancelled ||
		engine_finds_backfills(engine) || hold_endangers_slot(engine) ||
		!has_caught_up(engine) || !engine_due(engine, exact->make_at))
		return;
	if (exact->maker_backoff.max_ms == 0)
		backoff_init(&exact->maker_backoff, RETRY_MIN_MS, RETRY_MAX_MS, 0);
	exact->stage = EXACT_MAKING;
	snapshot_maker_open(&exact->maker, &exact->settings, hosts(engine),
						engine->stream.plugin, engine->now);
}

/* A standby's may be behind what the primary has sent already. */
static void
made(Engine *engine)
{
	Exact *exact = &engine->exact;
	Failure failure;

	if (exact->maker.lsn < engine->feedback.delivered)
	{
		failure_set(&failure, FAIL_SERVER_ERROR,
					"the server that is read is behind the stream");
		round_fail(engine, &failure);
		return;
	}
	exact->lsn = exact->park_at = exact->maker.lsn;
	snprintf(exact->snapshot, sizeof(exact->snapshot), "%s",
			 exact->maker.snapshot);
	open_keeper(engine);
}

/* What the server has no means for (feature_not_supported) it never has. */
static void
maker_failed(Engine *engine)
{
	Failure failure = engine->exact.maker.db.failure;

	if (strcmp(failure.sqlstate, "0A000") != 0)
	{
		round_fail(engine, &failure);
		return;
	}
	failure.class = FAIL_CONFIG;
	failure_hint(&failure, "A standby can be read in mode exact since "
						   "PostgreSQL 16, and in mode incremental before.");
	desk_refuse(engine, &failure);
}

static void
turn_making(Engine *engine, const short *revents)
{
	Exact *exact = &engine->exact;

	switch (snapshot_maker_turn(&exact->maker, engine->now, revents[0]))
	{
		case MAKER_NOTHING:
			engine_due(engine, exact->maker.give_up_at);
			break;
		case MAKER_DONE:
			made(engine);
			break;
		case MAKER_FAILED:
			maker_failed(engine);
			break;
	}
}

/*
 * From the first row on the slot is worth something: it is not dropped, and if
 * somebody else drops it, another one does not take its place silently.
 */
static void
keep_slot(Engine *engine)
{
	engine->stream.made = engine->stream.exports = false;
	feedback_init(&engine->feedback, engine->exact.lsn);
}

static void
begin_reading(Engine *engine)
{
	Exact *exact = &engine->exact;

	exact->stage = EXACT_READING;
	exact->dirty = true;
	exact->round++;
	exact->round_chunk = exact->chunk;
	exact->told_at = engine->now;
	jobs_begin(engine);
	exact->arrived = false;
	exact->park_at = 0;
	if (exact->fresh)
		keep_slot(engine);
	tell_round(engine);
	plan_tell_keyless(engine);
	engine->wake_at = engine->now;
}

/* Its own slot is not needed any more: a temporary one must stay, though. */
static void
release_slot(Engine *engine)
{
	if (engine->settings->create != CREATE_TEMPORARY)
		engine_disconnect(engine);
}

/* The snapshot is in our hands. */
static void
held(Engine *engine)
{
	Exact *exact = &engine->exact;

	snapshot_maker_close(&exact->maker);
	hold_begin(engine);
	if (exact->fresh)
	{
		release_slot(engine);
		begin_reading(engine);
		return;
	}
	exact->stage = EXACT_ARRIVING;
	engine->wake_at = engine->now;
}

/* What the settings ask for cannot be had, or what is there is not as it was. */
static void
cannot_plan(Engine *engine, const Failure *failure)
{
	if (failure->class == FAIL_CONFIG)
		desk_refuse(engine, failure);
	else if (failure->class == FAIL_INTERNAL)
		attempt_abandon(engine, failure);
	else
		round_fail(engine, failure);
}

static void
turn_holding(Engine *engine, const short *revents)
{
	Exact *exact = &engine->exact;
	Failure failure;

	switch (reader_turn(&exact->keeper, engine->now, revents[1], true))
	{
		case READER_READY:
			if (!plan_ask(engine, &failure))
				cannot_plan(engine, &failure);
			break;
		case READER_DONE:
			if (!plan_answered(engine, &failure))
				cannot_plan(engine, &failure);
			else if (!plan_asks_more(engine))
				held(engine);
			break;
		case READER_FAILED:
			round_fail(engine, &exact->keeper.db.failure);
			break;
		default:
			engine_due(engine, exact->keeper.give_up_at);
			break;
	}
}

static bool
keeper_is_lost(Engine *engine, short revents)
{
	Exact *exact = &engine->exact;

	return exact->keeper.state == READER_CLOSED ||
		   reader_turn(&exact->keeper, engine->now, revents, true) ==
			   READER_FAILED;
}

/* The stream is too slow to get there, or cannot. */
static void
turn_arriving(Engine *engine, const short *revents)
{
	Exact *exact = &engine->exact;
	Failure failure;

	if (exact->arrived)
	{
		engine_disconnect(engine);
		engine_set_phase(engine, ENGINE_SNAPSHOT);
		begin_reading(engine);
	}
	else if (keeper_is_lost(engine, revents[1]))
	{
		failure = exact->keeper.db.failure;
		round_fail(engine, &failure);
	}
	else if (hold_is_over(engine))
	{
		exact->futile++;
		failure_set(&failure, FAIL_SERVER_ERROR,
					"the stream did not come to the snapshot in time");
		round_fail(engine, &failure);
	}
}

/* No other range; what is read now is delivered first, if it can be. */
static void
end_soon(Engine *engine)
{
	engine->exact.ending = true;
	jobs_end_stalled(engine);
}

/* Was there no time for a range?  Nothing says that there will be. */
static void
judge_round(Exact *exact)
{
	bool given = exact->chunk != exact->round_chunk;

	if (given || exact->paused || exact->cancelled)
		exact->futile = 0;
	else if (exact->ending && exact->failure.class == FAIL_NONE)
	{
		exact->futile++;
		failure_set(&exact->failure, FAIL_SERVER_ERROR,
					"the round was over before anything could be read");
	}
}

static void
turn_reading(Engine *engine, const short *revents)
{
	Exact *exact = &engine->exact;

	if (!exact->ending && keeper_is_lost(engine, revents[1]))
	{
		exact->failure = exact->keeper.db.failure;
		exact->ending = true;
	}
	if (exact->ending || exact->paused || exact->cancelled ||
		hold_is_over(engine))
		end_soon(engine);
	jobs_turn(engine, revents + 2);
	if (engine_due(engine, exact->told_at + PROGRESS_MS))
	{
		exact->told_at = engine->now;
		tell_progress(engine);
		engine_due(engine, exact->told_at + PROGRESS_MS);
	}
	if (exact->stage == EXACT_READING && jobs_are_done(engine))
	{
		judge_round(exact);
		round_give_up(engine);
	}
}

static void
turn_comparing(Engine *engine, const short *revents)
{
	failover_turn(engine, revents[0]);
}

static void
turn_draining(Engine *engine, const short *revents)
{
	(void) revents;
	failover_begin(engine);
}

void
round_turn(Engine *engine, const short *revents)
{
	static void (*const turns[])(Engine * engine, const short *revents) = {
		[EXACT_WAITING] = turn_waiting,	  [EXACT_COMPARING] = turn_comparing,
		[EXACT_MAKING] = turn_making,	  [EXACT_HOLDING] = turn_holding,
		[EXACT_ARRIVING] = turn_arriving, [EXACT_READING] = turn_reading,
		[EXACT_DRAINING] = turn_draining,
	};
	ExactStage stage = engine->exact.stage;

	if (stage >= EXACT_WAITING)
		turns[stage](engine, revents);
	handover_settle_keys(engine);
}
