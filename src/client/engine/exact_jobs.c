/*
 * exact_jobs.c
 *		The connections that read a round's ranges.
 *
 * Called by exact_round.c.  Each reads one range after the other, in a
 * transaction of its own that imports the snapshot of the keeper, so a change
 * of a table waits for a range and not for the load.  What comes goes to the
 * consumer while it has given credit; else it is not read.
 */
#include "client/engine/exact_jobs.h"

#include <ei.h>
#include <stdlib.h>
#include <string.h>

#include "client/engine/exact_ranges.h"
#include "client/engine/exact_reading.h"
#include "client/engine/exact_tell.h"

/* Frames of a connection in one turn: the others must not wait longer. */
#define TURN_FRAMES 16

/*
 * A server sends 8 kB at a time.  Less than a frame is of no use, so what a
 * socket has is taken once in so many milliseconds, and then all of it.
 */
#define GATHER_MS 1

/* Between attempts at a range, or at a connection. */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 10000

/* So often a range is tried in a round, where a lock or a conflict hinders. */
#define TRIES_MAX 10

bool
jobs_are_done(const Engine *engine)
{
	const Exact *exact = &engine->exact;

	for (uint64_t i = 0; i < exact->request.jobs; i++)
	{
		if (exact->jobs[i].busy)
			return false;
	}
	return !ranges_are_left(exact);
}

/* The range is to be read again, by whoever comes to it. */
static void
give_back(Engine *engine, ExactJob *job, const char *reason)
{
	Exact *exact = &engine->exact;
	ExactTable *table = &exact->tables[job->chunk.table];

	free(job->frame.block);
	job->frame.block = NULL;
	if (!job->busy)
		return;
	job->busy = false;
	if (job->chunk.rows > 0)
		tell_retry(engine, &job->chunk, reason);
	if (job->chunk.starts != table->starts)
		return;
	table->rows -= job->chunk.rows;
	table->bytes -= job->chunk.bytes;
	ranges_clear(&table->given, job->chunk.range);
	if (job->chunk.table < exact->next)
		exact->next = job->chunk.table;
}

void
jobs_end(Engine *engine, const char *reason)
{
	for (int i = 0; i < BACKFILL_JOBS_MAX; i++)
	{
		ExactJob *job = &engine->exact.jobs[i];

		give_back(engine, job, reason);
		reader_close(&job->reader);
		job->retry_at = 0;
	}
}

static bool
may_deliver(const Engine *engine, const ExactJob *job)
{
	return consumer_has_room(engine->consumer) &&
		   credit_allows(&engine->credit, job->frame.head.count);
}

void
jobs_end_stalled(Engine *engine)
{
	for (int i = 0; i < BACKFILL_JOBS_MAX; i++)
	{
		ExactJob *job = &engine->exact.jobs[i];

		if (job->frame.block == NULL || may_deliver(engine, job))
			continue;
		give_back(engine, job, "the round is over");
		reader_close(&job->reader);
	}
}

bool
jobs_can_go_on(const Engine *engine)
{
	for (int i = 0; i < BACKFILL_JOBS_MAX; i++)
	{
		const ExactJob *job = &engine->exact.jobs[i];

		if (job->frame.block != NULL && may_deliver(engine, job))
			return true;
	}
	return false;
}

void
jobs_begin(Engine *engine)
{
	for (int i = 0; i < BACKFILL_JOBS_MAX; i++)
		backoff_init(&engine->exact.jobs[i].backoff, RETRY_MIN_MS, RETRY_MAX_MS,
					 TRIES_MAX);
}

/* {Id, Chunk} */
static bool
put_tag(const Exact *exact, const Chunk *chunk, ei_x_buff *x)
{
	const char *id = exact->request.id;

	return ei_x_new(x) == 0 && ei_x_encode_tuple_header(x, 2) == 0 &&
		   ei_x_encode_binary(x, id, (int) strlen(id)) == 0 &&
		   ei_x_encode_ulonglong(x, chunk->number) == 0;
}

static void
run(Engine *engine, ExactJob *job)
{
	Exact *exact = &engine->exact;
	const BackfillTable *table = &exact->state.tables[job->chunk.table];
	BlockRange range = ranges_at(&table->ranges, job->chunk.range);
	StrBuf sql = {0};
	ei_x_buff tag;

	sql.failed = !put_tag(exact, &job->chunk, &tag);
	if (!sql.failed)
		exact->reading->put_range(engine, &job->reader, table, range, &tag,
								  &sql);
	ei_x_free(&tag);
	reader_run(&job->reader, &sql);
}

static void
begin_range(Engine *engine, ExactJob *job)
{
	Exact *exact = &engine->exact;
	ExactTable *table;

	exact->next = ranges_next_table(exact);
	table = &exact->tables[exact->next];
	job->chunk = (Chunk){.number = ++exact->chunk,
						 .table = exact->next,
						 .range = ranges_next(&table->given, 0),
						 .starts = table->starts,
						 .lsn = exact->lsn};
	job->busy = true;
	ranges_set_done(&table->given, job->chunk.range);
	if (table->began_at == 0)
		table->began_at = engine->now;
	run(engine, job);
}

/* A chunk that failed is tried again before another one is begun. */
static void
go_on(Engine *engine, ExactJob *job)
{
	if (!engine_due(engine, job->retry_at))
		return;
	if (job->busy && engine->exact.ending)
		give_back(engine, job, "the round is over");
	if (job->busy)
		run(engine, job);
	else if (ranges_are_left(&engine->exact))
		begin_range(engine, job);
}

static void
open(Engine *engine, ExactJob *job)
{
	Exact *exact = &engine->exact;
	bool elsewhere = exact->request.connection.count > 0;

	if ((!job->busy && !ranges_are_left(exact)) ||
		!engine_due(engine, job->retry_at))
		return;
	reader_open(&job->reader, reading_use(engine), &exact->settings,
				elsewhere ? NULL : &exact->keeper.db.host_order,
				elsewhere ? 0 : exact->server, exact->identifier, engine->now);
}

/* From now on the table is half read, if nothing made it begin anew. */
static void
note_rows(Exact *exact, ExactJob *job, uint64_t rows, uint64_t bytes)
{
	BackfillTable *table = &exact->state.tables[job->chunk.table];
	ExactTable *here = &exact->tables[job->chunk.table];

	job->chunk.rows += rows;
	job->chunk.bytes += bytes;
	if (job->chunk.starts != here->starts)
		return;
	here->rows += rows;
	here->here += rows;
	here->bytes += bytes;
	if (table->status != TABLE_PLANNED)
		return;
	table->status = TABLE_STARTED;
	exact->dirty = true;
}

/* False: it has to wait. */
static bool
deliver(Engine *engine, ExactJob *job)
{
	ReadFrame frame = job->frame;
	size_t bytes;

	if (!may_deliver(engine, job))
		return false;
	job->frame.block = NULL;
	bytes = consumer_deliver(engine->consumer, &frame.head, frame.block,
							 frame.offset, frame.end);
	consumer_end_batch(engine->consumer);
	credit_spend(&engine->credit, frame.head.count, bytes);
	engine->stats.frames++;
	note_rows(&engine->exact, job, frame.head.count, frame.end - frame.offset);
	return true;
}

static void
out_of_memory(Engine *engine)
{
	failure_set(&engine->exact.failure, FAIL_INTERNAL, "out of memory");
}

/* All of the range has come. */
static void
close_chunk(Engine *engine, ExactJob *job)
{
	free(job->frame.block);
	job->frame.block = NULL;
	job->busy = false;
	backoff_reset(&job->backoff);
	backoff_reset(&engine->exact.maker_backoff);
	note_rows(&engine->exact, job, 0, 0);
	engine->exact.tables[job->chunk.table].missed = false;
	reading_tell(engine, engine->exact.state.tables[job->chunk.table].oid);
	if (!chunks_add(&engine->exact.chunks, &job->chunk))
	{
		out_of_memory(engine);
		return;
	}
	tell_close(engine, &job->chunk);
}

static void
take_frame(Engine *engine, ExactJob *job)
{
	job->frame = job->reader.frame;
	job->reader.frame.block = NULL;
	if (job->frame.head.kind == FRAME_READ_END)
		close_chunk(engine, job);
	else
		deliver(engine, job);
}

/*
 * Not in this round: told, and left to the next one.  That finds out whether it
 * was renamed or dropped; if it is still there, its condition names what is
 * gone.
 */
static void
block_table(Engine *engine, ExactJob *job, const Failure *failure)
{
	Exact *exact = &engine->exact;
	uint32_t number = job->chunk.table;
	ExactTable *table = &exact->tables[number];
	bool again = table->missed && !table->blocked;

	give_back(engine, job, failure->message);
	table->blocked = true;
	table->missed = job->reader.trouble == TROUBLE_GONE;
	if (table->missed && !again)
		return;
	exact->failure = *failure;
	tell_table_failed(engine, &exact->state.tables[number], failure);
}

/* Another file has taken its place: no row of it was, or will be, told. */
static void
restart_table(Engine *engine, ExactJob *job)
{
	Exact *exact = &engine->exact;
	uint32_t number = job->chunk.table;
	BackfillTable *table = &exact->state.tables[number];

	give_back(engine, job, "the table was rewritten");
	table_restart(table);
	exact->tables[number] = (ExactTable){
		.given = table->ranges, .starts = table->starts, .blocked = true};
	exact->dirty = true;
	tell_table(engine, "table_again", table, "rewritten");
}

/* A connection that cannot be had again and again ends the round. */
static void
lost(Engine *engine, ExactJob *job, const Failure *failure)
{
	Exact *exact = &engine->exact;

	give_back(engine, job, failure->message);
	reader_close(&job->reader);
	if (!backoff_is_open(&job->backoff))
		return;
	exact->ending = true;
	exact->failure = *failure;
}

static void
job_failed(Engine *engine, ExactJob *job)
{
	Failure failure = job->reader.db.failure;
	ReaderTrouble trouble = job->reader.trouble;

	job->retry_at =
		engine->now + backoff_fail(&job->backoff, (uint32_t) random());
	if (trouble == TROUBLE_LOST)
		lost(engine, job, &failure);
	else if (!job->busy)
		return;
	else if (reading_needs_raw(engine, &failure))
		give_back(engine, job, failure.message);
	else if (trouble == TROUBLE_REWRITTEN)
		restart_table(engine, job);
	else if (trouble != TROUBLE_BUSY || backoff_is_open(&job->backoff))
		block_table(engine, job, &failure);
	else
		give_back(engine, job, failure.message);
}

static void
job_waits(Engine *engine, ExactJob *job, bool in_vain)
{
	if (job->reader.state == READER_CLOSED)
		open(engine, job);
	else if (reader_is_idle(&job->reader))
		go_on(engine, job);
	else if (job->reader.state == READER_COPYING && in_vain)
		job->listen_at = engine->now + GATHER_MS;
	engine_due(engine, job->listen_at);
}

static void
job_turn(Engine *engine, ExactJob *job, short revents)
{
	if (job->frame.block != NULL && !deliver(engine, job))
		return;
	for (int i = 0; i < TURN_FRAMES && job->frame.block == NULL; i++)
	{
		switch (reader_turn(&job->reader, engine->now, revents, true))
		{
			case READER_NOTHING:
				job_waits(engine, job, revents != 0);
				return;
			case READER_FRAME:
				take_frame(engine, job);
				break;
			case READER_FAILED:
				job_failed(engine, job);
				return;
			default:
				break;
		}
		revents = 0;
	}
	/* More may wait inside libpq, where poll() does not see it. */
	if (job->frame.block == NULL)
		engine->wake_at = engine->now;
}

void
jobs_turn(Engine *engine, const short *revents)
{
	for (uint64_t i = 0; i < engine->exact.request.jobs; i++)
		job_turn(engine, &engine->exact.jobs[i], revents[i]);
}
