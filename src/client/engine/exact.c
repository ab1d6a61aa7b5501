/*
 * exact.c
 *		Mode exact: tables read at one position of the stream.
 *
 * Called by engine.c.
 */
#include "client/engine/exact.h"

#include <stdlib.h>
#include <string.h>

#include "client/engine/attempt.h"
#include "client/engine/exact_desk.h"
#include "client/engine/exact_end.h"
#include "client/engine/exact_jobs.h"
#include "client/engine/exact_ranges.h"
#include "client/engine/exact_round.h"
#include "client/engine/exact_tell.h"
#include "client/engine/settle.h"

enum
{
	POLL_DESK,
	POLL_MAKER,
	POLL_KEEPER,
	POLL_JOBS
};

static bool
set_up(Engine *engine)
{
	Exact *exact = &engine->exact;
	const PairList *over = &exact->request.connection;

	if (!settings_copy(&exact->settings, engine->settings))
		return false;
	for (size_t i = 0; i < over->count; i++)
	{
		if (!pairs_put(&exact->settings.connection, over->items[i].name,
					   over->items[i].value))
			return false;
	}
	return true;
}

/* Of a slot that nobody finds again nothing has to be found. */
static void
keep_nothing(BackfillRequest *request)
{
	free(request->kept);
	request->kept = NULL;
	request->store = STORE_NOWHERE;
}

void
exact_begin(Engine *engine, BackfillRequest *request)
{
	Exact *exact = &engine->exact;
	Failure failure;

	*exact = (Exact){.request = *request,
					 .first = engine->settings->snapshot != SNAPSHOT_OFF &&
							  engine->phase == ENGINE_SNAPSHOT,
					 .only = engine->settings->snapshot == SNAPSHOT_ONLY};
	*request = (BackfillRequest){0};
	if (engine->settings->create == CREATE_TEMPORARY &&
		exact->request.store == STORE_SERVER)
		keep_nothing(&exact->request);
	engine->stream.exports =
		exact->first && exact->request.connection.count == 0;
	if (set_up(engine))
		desk_open(engine);
	else
	{
		failure_set(&failure, FAIL_INTERNAL, "out of memory");
		desk_refuse(engine, &failure);
	}
}

void
exact_free(Engine *engine)
{
	exact_clear(engine);
}

bool
exact_is(const Engine *engine, const char *id)
{
	return engine->exact.stage != EXACT_NONE &&
		   strcmp(engine->exact.request.id, id) == 0;
}

bool
exact_comes_first(Engine *engine)
{
	Exact *exact = &engine->exact;

	if (!exact->first || exact->planned || exact->stage == EXACT_NONE)
		return false;
	desk_open(engine);
	return true;
}

void
exact_chunk_done(Engine *engine, uint64_t number)
{
	ranges_chunk_done(engine, number);
	engine->wake_at = engine->now;
}

void
exact_pause(Engine *engine, bool pause)
{
	engine->exact.paused = pause;
	engine->wake_at = engine->now;
}

void
exact_stop(Engine *engine)
{
	engine->exact.cancelled = true;
	engine->wake_at = engine->now;
}

bool
exact_holds_stop(Engine *engine)
{
	Exact *exact = &engine->exact;

	if (exact->stage < EXACT_WAITING || !desk_is_behind(engine) ||
		exact->stopping || exact->desk.state < READER_IDLE)
		return false;
	exact->stopping = true;
	exact->stop_at = engine->now;
	return true;
}

static void
poll_reader(const Reader *reader, struct pollfd *fd, bool listen)
{
	short events = reader_events(reader, listen);

	*fd = (struct pollfd){.fd = events != 0 ? reader_fd(reader) : -1,
						  .events = events};
}

void
exact_poll(const Engine *engine, struct pollfd *fds)
{
	const Exact *exact = &engine->exact;
	bool compares = exact->stage == EXACT_COMPARING;
	const Db *maker = compares ? &exact->history.db : &exact->maker.db;

	poll_reader(&exact->desk, &fds[POLL_DESK], true);
	fds[POLL_MAKER] =
		(struct pollfd){.fd = db_fd(maker),
						.events = compares ? history_events(&exact->history)
										   : db_events(maker)};
	poll_reader(&exact->keeper, &fds[POLL_KEEPER], true);
	for (int i = 0; i < BACKFILL_JOBS_MAX; i++)
		poll_reader(&exact->jobs[i].reader, &fds[POLL_JOBS + i],
					exact->jobs[i].frame.block == NULL &&
						engine->now >= exact->jobs[i].listen_at);
}

bool
exact_can_go_on(const Engine *engine)
{
	return engine->exact.stage == EXACT_READING && jobs_can_go_on(engine);
}

/* What was kept is removed first where it is of no use any more. */
static bool
has_to_remove(Exact *exact)
{
	if (!exact->request.once || exact->request.store != STORE_SERVER ||
		exact->over)
		return false;
	exact->over = exact->dirty = true;
	return true;
}

/* It is over, and all that was done of it is kept. */
static void
end(Engine *engine)
{
	bool cancelled = engine->exact.cancelled;
	bool only = engine->exact.only && !cancelled;

	tell_end(engine, cancelled ? "stopped" : "finished");
	exact_clear(engine);
	engine->stop_is_due = only;
}

static void
turn_end(Engine *engine)
{
	Exact *exact = &engine->exact;
	bool cancelled = exact->cancelled && exact->stage >= EXACT_WAITING;

	if (cancelled && exact->stage != EXACT_DRAINING &&
		exact->stage != EXACT_WAITING && exact->stage != EXACT_READING)
		round_give_up(engine);
	cancelled = cancelled && exact->stage != EXACT_READING;
	if ((cancelled ||
		 (exact->stage == EXACT_DRAINING && exact->chunks.count == 0)) &&
		!desk_is_behind(engine) && !has_to_remove(exact))
		end(engine);
}

/* What is done is kept, or could not be in time. */
static void
turn_stopping(Engine *engine)
{
	const Exact *exact = &engine->exact;

	if (exact->stopping &&
		(!desk_is_behind(engine) || exact->desk.state < READER_IDLE ||
		 engine_due(engine, exact->stop_at + settle_time(engine))))
		engine->stop_is_due = true;
}

void
exact_turn(Engine *engine, const struct pollfd *fds)
{
	short revents[EXACT_POLLS];

	if (engine->exact.stage == EXACT_NONE)
		return;
	for (int i = 0; i < EXACT_POLLS; i++)
		revents[i] = fds[i].revents;
	desk_turn(engine, revents[POLL_DESK]);
	round_turn(engine, revents + POLL_MAKER);
	turn_end(engine);
	turn_stopping(engine);
}
