/*
 * exact_tell.c
 *		What the consumer is told of an exact backfill.
 *
 * Called by exact.c and its neighbours.
 */
#include "client/engine/exact_tell.h"

#include <stdio.h>

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* "public.orders" */
typedef struct TableName
{
	char text[2 * 64 + 2];
} TableName;

static TableName
name_of(const BackfillTable *table)
{
	TableName name;

	snprintf(name.text, sizeof(name.text), "%s.%s", table->schema, table->name);
	return name;
}

static void
tell(Engine *engine, const char *name, const Field *fields, size_t count)
{
	consumer_backfill(engine->consumer, name, engine->exact.request.id, fields,
					  count);
}

typedef struct Sums
{
	uint64_t tables;
	uint64_t rows;
	uint64_t bytes;
} Sums;

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
	const Sums sums = sums_left(&engine->exact, plan);
	const Field fields[] = {
		field_atom("mode", "exact"), field_number("tables", sums.tables),
		field_number("rows", sums.rows), field_number("bytes", sums.bytes)};

	tell(engine, "started", fields, COUNT(fields));
}

static Sums
sums_done(const BackfillState *state)
{
	Sums sums = {0};

	for (uint32_t i = 0; i < state->count; i++)
	{
		sums.rows += state->tables[i].rows;
		sums.bytes += state->tables[i].bytes;
		sums.tables += table_is_over(&state->tables[i]);
	}
	return sums;
}

void
tell_round(Engine *engine)
{
	const BackfillState *state = &engine->exact.state;
	const Sums done = sums_done(state);
	const Field fields[] = {field_number("lsn", engine->exact.lsn),
							field_number("tables", state->count - done.tables)};

	tell(engine, "round", fields, COUNT(fields));
}

void
tell_close(Engine *engine, const Chunk *chunk)
{
	const BackfillTable *table = &engine->exact.state.tables[chunk->table];
	const Field fields[] = {
		field_number("chunk", chunk->number), field_number("lsn", chunk->lsn),
		field_number("rel", table->told_as), field_number("rows", chunk->rows),
		field_number("bytes", chunk->bytes)};

	tell(engine, "close", fields, COUNT(fields));
}

void
tell_retry(Engine *engine, const Chunk *chunk, const char *reason)
{
	const Field fields[] = {field_number("chunk", chunk->number),
							field_text("reason", reason)};

	tell(engine, "retry", fields, COUNT(fields));
}

void
tell_table(Engine *engine, const char *name, const BackfillTable *table,
		   const char *reason)
{
	TableName full = name_of(table);
	const Field fields[] = {
		field_text("table", full.text), field_number("rel", table->told_as),
		field_number("rows", table->rows), field_number("bytes", table->bytes),
		field_atom("reason", reason)};

	tell(engine, name, fields, COUNT(fields));
}

void
tell_table_failed(Engine *engine, const BackfillTable *table,
				  const Failure *failure)
{
	TableName full = name_of(table);
	const Field fields[] = {field_text("table", full.text),
							field_number("rel", table->told_as),
							field_text("message", failure->message),
							field_text("hint", failure->hint),
							field_text("sqlstate", failure->sqlstate)};

	tell(engine, "table_failed", fields, COUNT(fields));
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
	TableName full = name_of(table);
	const Estimate estimate =
		estimate_of(&(TableRead){.rows = here->rows,
								 .here = here->here,
								 .ms = engine->now - here->began_at,
								 .done = blocks_done(&engine->exact, number),
								 .blocks = here->given.blocks,
								 .known = table->known_rows});
	const Field fields[] = {field_text("table", full.text),
							field_number("rows", here->rows),
							field_number("bytes", here->bytes),
							field_number("estimate", estimate.rows),
							field_number("percent", estimate.percent),
							field_number("rate", estimate.rate),
							field_number("eta", estimate.eta)};

	tell(engine, "progress", fields, COUNT(fields));
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
	const Sums done = sums_done(&engine->exact.state);
	const Field fields[] = {field_number("tables", done.tables),
							field_number("rows", done.rows),
							field_number("bytes", done.bytes)};

	tell(engine, name, fields, COUNT(fields));
}

void
tell_failed(Engine *engine, const char *id, const Failure *failure)
{
	const Field fields[] = {
		field_atom("class", failure_info(failure->class)->name),
		field_text("message", failure->message),
		field_text("hint", failure->hint),
		field_text("sqlstate", failure->sqlstate)};

	consumer_backfill(engine->consumer, "failed", id, fields, COUNT(fields));
}
