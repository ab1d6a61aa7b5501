/*
 * exact_handover.c
 *		An exact backfill that goes on in mode incremental.
 *
 * Called by exact_round.c.  A table whose events may lack values cannot be read
 * in halves, so one that does not fit into a round would never be done, or hold
 * a snapshot for as long as it takes.  Chunk by chunk it can be, if it has a
 * key and the consumer folds the stream into chunks.
 */
#include "client/engine/exact_handover.h"

#include "client/backfill/plan.h"
#include "client/engine/exact_desk.h"
#include "client/engine/exact_tell.h"
#include "client/engine/incrementals.h"

static bool
is_possible(const Engine *engine)
{
	const Exact *exact = &engine->exact;

	return engine->consumer->ops->folds && !exact->only &&
		   !incrementals_are_full(engine) &&
		   incremental_refusal(engine->settings, &exact->request) == NULL;
}

/* What is half read will begin anew. */
static uint32_t
starts_of(const BackfillTable *table)
{
	bool again = table->status == TABLE_STARTED && !table_is_whole(table);

	return table->starts + again;
}

bool
handover_takes(const Engine *engine, const BackfillTable *table)
{
	bool never_fits =
		starts_of(table) >= STARTS_MAX || engine->exact.futile >= STARTS_MAX;

	return never_fits && table->key.count > 0 && table->lockable &&
		   is_possible(engine);
}

/* By an earlier process, and for the same tables. */
static bool
was_handed_over(const Exact *exact, const BackfillTable *table)
{
	return table->order != ORDER_RANGES &&
		   plan_is_later(&exact->state, exact->request.tables);
}

static bool
is_due(const Engine *engine)
{
	const Exact *exact = &engine->exact;
	bool due = false;

	for (uint32_t i = 0; i < exact->state.count; i++)
	{
		const BackfillTable *table = &exact->state.tables[i];

		if (table_is_over(table))
			continue;
		if (!handover_takes(engine, table) && !was_handed_over(exact, table))
			return false;
		due = true;
	}
	return due && is_possible(engine);
}

static void
warn_of_mode(Engine *engine)
{
	const Exact *exact = &engine->exact;

	for (uint32_t i = 0; i < exact->state.count; i++)
	{
		const BackfillTable *table = &exact->state.tables[i];

		if (!table_is_over(table) && !was_handed_over(exact, table))
			consumer_log(engine->consumer, "warning",
						 "backfill \"%s\" goes on in mode incremental: no "
						 "round has read all of table %s.%s",
						 exact->request.id, table->schema, table->name);
	}
}

/* Keys that move have to be kept somewhere, if only as long as they matter. */
static void
keep_until_end(BackfillRequest *request)
{
	if (request->store != STORE_NOWHERE)
		return;
	request->store = STORE_SERVER;
	request->once = true;
}

static void
hand_over(Engine *engine)
{
	Exact *exact = &engine->exact;
	BackfillRequest request = exact->request;
	BackfillState state = exact->state;

	warn_of_mode(engine);
	request.mode = BACKFILL_INCREMENTAL;
	keep_until_end(&request);
	state.chunk = exact->chunk;
	exact->request = (BackfillRequest){0};
	exact->state = (BackfillState){0};
	exact_clear(engine);
	incrementals_go_on(engine, &request, &state);
}

/* Has an earlier process read a part of anything in mode incremental? */
static bool
any_was_handed_over(const Exact *exact)
{
	for (uint32_t i = 0; i < exact->state.count; i++)
	{
		const BackfillTable *table = &exact->state.tables[i];

		if (!table_is_over(table) && was_handed_over(exact, table))
			return true;
	}
	return false;
}

void
handover_keys(Engine *engine, uint64_t rel, const uint8_t *keys, size_t len)
{
	Exact *exact = &engine->exact;

	if (exact->stage < EXACT_WAITING || any_was_handed_over(exact))
		early_add(&exact->request.early, engine->keys_taken, rel, keys, len);
}

static void
restart(Engine *engine)
{
	Exact *exact = &engine->exact;

	for (uint32_t i = 0; i < exact->state.count; i++)
	{
		BackfillTable *table = &exact->state.tables[i];

		if (table_is_over(table) || !was_handed_over(exact, table))
			continue;
		table_restart(table);
		tell_table(engine, "table_again", table, "moved");
	}
	exact->dirty = true;
	unkept_add(&exact->keys, exact->saving, exact->request.early.first);
}

/* Does it go on there before anything else comes about? */
static bool
is_next(const Engine *engine)
{
	const Exact *exact = &engine->exact;

	return exact->stage == EXACT_WAITING && !exact->paused &&
		   !exact->cancelled && is_due(engine);
}

void
handover_settle_keys(Engine *engine)
{
	Exact *exact = &engine->exact;

	if (!early_are_any(&exact->request.early) || exact->stage < EXACT_WAITING ||
		is_next(engine))
		return;
	if (any_was_handed_over(exact))
		restart(engine);
	early_free(&exact->request.early);
}

bool
handover_turn(Engine *engine)
{
	Exact *exact = &engine->exact;

	if (exact->paused || exact->cancelled || !is_due(engine))
		return false;
	if (exact->chunks.count == 0 && !desk_is_behind(engine))
		hand_over(engine);
	return true;
}
