/*
 * exact_ranges.c
 *		Which ranges of a round are left, given out, handled.
 *
 * Called by exact_round.c and exact_jobs.c.
 */
#include "client/engine/exact_ranges.h"

#include <stdlib.h>

#include "client/engine/exact_handover.h"
#include "client/engine/exact_tell.h"

bool
ranges_prepare(Engine *engine)
{
	Exact *exact = &engine->exact;
	uint32_t count = exact->state.count;
	ExactTable *tables =
		realloc(exact->tables, (count + 1) * sizeof(ExactTable));

	if (tables == NULL)
		return false;
	exact->tables = tables;
	for (uint32_t i = 0; i < count; i++)
	{
		const BackfillTable *table = &exact->state.tables[i];
		bool met = i < exact->table_count;
		bool known = met && exact->tables[i].starts == table->starts &&
					 table->status != TABLE_PLANNED;

		if (!known)
			exact->tables[i] = (ExactTable){.given = table->ranges,
											.starts = table->starts,
											.missed = met && tables[i].missed,
											.rows = table->rows,
											.bytes = table->bytes};
		exact->tables[i].blocked =
			table->reattached || handover_takes(engine, table);
	}
	exact->table_count = count;
	exact->next = 0;
	return true;
}

static bool
has_left(const Exact *exact, uint32_t table)
{
	return !table_is_over(&exact->state.tables[table]) &&
		   !exact->tables[table].blocked &&
		   !ranges_all_done(&exact->tables[table].given);
}

/* The first table that has something left; or as many as there are. */
uint32_t
ranges_next_table(const Exact *exact)
{
	uint32_t i = exact->next;

	while (i < exact->state.count && !has_left(exact, i))
		i++;
	return i;
}

bool
ranges_are_left(const Exact *exact)
{
	return !exact->ending && ranges_next_table(exact) < exact->state.count;
}

bool
ranges_all_given(const Engine *engine)
{
	const Exact *exact = &engine->exact;

	for (uint32_t i = 0; i < exact->state.count; i++)
	{
		if (!table_is_over(&exact->state.tables[i]) &&
			!ranges_all_done(&exact->tables[i].given))
			return false;
	}
	return true;
}

static void
range_done(Engine *engine, const Chunk *chunk)
{
	Exact *exact = &engine->exact;
	BackfillTable *table = &exact->state.tables[chunk->table];

	ranges_set_done(&table->ranges, chunk->range);
	table->rows += chunk->rows;
	table->bytes += chunk->bytes;
	if (chunk->lsn > table->horizon)
		table->horizon = chunk->lsn;
	exact->dirty = true;
	if (!ranges_all_done(&table->ranges))
		return;
	table->status = TABLE_DONE;
	tell_table(engine, "table_done", table, "done");
}

/* One of a table that began anew meanwhile counts for nothing. */
void
ranges_chunk_done(Engine *engine, uint64_t number)
{
	Exact *exact = &engine->exact;
	Chunk chunk;

	if (!chunks_take(&exact->chunks, number, &chunk))
		consumer_log(engine->consumer, "warning",
					 "backfill_done: \"%s\" has no chunk %llu to be done",
					 exact->request.id, (unsigned long long) number);
	else if (exact->state.tables[chunk.table].starts == chunk.starts)
		range_done(engine, &chunk);
}
