/*
 * exact_tell.c
 *		What the consumer is told of an exact backfill.
 *
 * Called by exact.c and its neighbours.
 */
#include "client/engine/exact_tell.h"

#include "client/backfill/announce.h"

static Listener
listener(const Engine *engine)
{
	return (Listener){engine->consumer, engine->exact.request.id};
}

/* Rows as the server estimates them. */
static Sums
sums_left(Exact *exact, const BackfillState *plan)
{
	Sums sums = {0};

	for (uint32_t i = 0; i < plan->count; i++)
	{
		const BackfillTable *now = &plan->tables[i];
		const BackfillTable *known =
			backfill_state_find(&exact->state, now->oid);

		if (known != NULL && known->status == TABLE_DONE)
			continue;
		sums.tables++;
		sums.rows += (uint64_t) table_rows(now);
		sums.bytes += (now->pages + now->toast_pages) * exact->desk.block_size;
	}
	return sums;
}

void
tell_started(Engine *engine, const BackfillState *plan)
{
	const Listener to = listener(engine);
	const Sums left = engine->exact.nothing_left
						  ? (Sums){0}
						  : sums_left(&engine->exact, plan);

	announce_started(&to, "exact", &left);
}

void
tell_round(Engine *engine)
{
	const BackfillState *state = &engine->exact.state;
	const Listener to = listener(engine);

	announce_round(&to, engine->exact.lsn,
				   state->count - sums_done(state).tables);
}

void
tell_close(Engine *engine, const Chunk *chunk)
{
	const BackfillTable *table = &engine->exact.state.tables[chunk->table];
	const Listener to = listener(engine);

	announce_close(&to, table, chunk->number, chunk->lsn, chunk->rows,
				   chunk->bytes);
}

void
tell_retry(Engine *engine, const Chunk *chunk, const char *reason)
{
	const Listener to = listener(engine);

	announce_retry(&to, chunk->number, reason);
}

void
tell_table(Engine *engine, const char *name, const BackfillTable *table,
		   const char *reason)
{
	const Listener to = listener(engine);

	announce_table(&to, name, table, reason);
}

void
tell_anew(Engine *engine)
{
	const Listener to = listener(engine);

	announce_anew(&to, engine->settings->slot);
}

void
tell_delayed(Engine *engine, const Failure *failure)
{
	const Listener to = listener(engine);

	announce_delayed(&to, failure, &engine->exact.delayed);
}

void
tell_unkept(Engine *engine, const Failure *failure)
{
	const Listener to = listener(engine);

	announce_unkept(&to, failure, &engine->exact.unkept_told);
}

void
tell_table_failed(Engine *engine, const BackfillTable *table,
				  const Failure *failure)
{
	const Listener to = listener(engine);

	announce_table_failed(&to, table, failure);
}

/* What is being read of a table, in ranges that are not whole yet. */
typedef struct OpenRanges
{
	uint64_t blocks;
	uint64_t rows;
} OpenRanges;

static OpenRanges
open_ranges(const Exact *exact, uint32_t number)
{
	const Ranges *ranges = &exact->tables[number].given;
	OpenRanges open = {0};

	for (int i = 0; i < BACKFILL_JOBS_MAX; i++)
	{
		const ExactJob *job = &exact->jobs[i];
		BlockRange range;

		if (!job->busy || job->chunk.table != number)
			continue;
		range = ranges_at(ranges, job->chunk.range);
		open.blocks +=
			range.blocks > 0 ? range.blocks : ranges->blocks - range.from;
		open.rows += job->chunk.rows;
	}
	return open;
}

/*
 * Blocks that are done: those of whole ranges, and of the others as many as
 * their rows would take.  0: not known.
 */
static uint64_t
blocks_done(const Exact *exact, uint32_t number)
{
	const ExactTable *here = &exact->tables[number];
	OpenRanges open = open_ranges(exact, number);
	uint64_t rows = here->rows - open.rows;
	uint64_t whole;

	if (here->given.ndone == 0)
		return 0;
	whole = ranges_blocks_done(&here->given) - open.blocks;
	return rows > 0 && whole > 0 ? whole + open.rows * whole / rows : 0;
}

static void
tell_progress_of(Engine *engine, uint32_t number)
{
	const BackfillTable *table = &engine->exact.state.tables[number];
	const ExactTable *here = &engine->exact.tables[number];
	const Listener to = listener(engine);

	announce_progress(&to, table,
					  &(TableRead){.rows = here->rows,
								   .here = here->here,
								   .ms = engine->now - here->began_at,
								   .done = blocks_done(&engine->exact, number),
								   .blocks = here->given.blocks,
								   .known = table->known_rows},
					  here->bytes);
}

void
tell_progress(Engine *engine)
{
	const Exact *exact = &engine->exact;

	for (uint32_t i = 0; i < exact->state.count; i++)
	{
		if (exact->tables[i].began_at != 0 &&
			!table_is_over(&exact->state.tables[i]))
			tell_progress_of(engine, i);
	}
}

void
tell_end(Engine *engine, const char *name)
{
	const Listener to = listener(engine);

	announce_end(&to, name, &engine->exact.state);
}

void
tell_failed(Engine *engine, const char *id, const Failure *failure)
{
	const Listener to = {engine->consumer, id};

	announce_failed(&to, failure);
}
