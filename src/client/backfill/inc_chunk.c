/*
 * inc_chunk.c
 *		A chunk of mode incremental: what the reader is asked for, and gets.
 *
 * Called by inc_read.c.
 */
#include "client/backfill/inc_parts.h"

#include <ei.h>
#include <string.h>

/* Between two looks at a standby that has not come so far. */
#define REPLAY_MS 20

/* {Id, Chunk}, without a version byte. */
static size_t
make_tag(const Incremental *inc, const Window *window, char *tag)
{
	const char *id = inc->request.id;
	int len = 0;

	ei_encode_tuple_header(tag, &len, 2);
	ei_encode_binary(tag, &len, id, (long) strlen(id));
	ei_encode_ulonglong(tag, &len, window->number);
	return (size_t) len;
}

static void
fill_range(Incremental *inc, Window *window, ReadRequest *request)
{
	BackfillTable *table = inc_table_of(inc, window);

	if (window->moved > 0)
	{
		request->keys = table->moved;
		request->key_count = window->moved;
	}
	else if (table->order == ORDER_BLOCKS)
	{
		uint64_t left = table->pages - window->block;

		window->blocks = inc->pace.blocks < left ? inc->pace.blocks : left;
		request->by_blocks = true;
		request->from_block = window->block;
		request->blocks = window->blocks;
	}
	else
	{
		request->after = &window->after;
		request->upto = &table->bound;
		request->max_bytes = inc->pace.piece;
	}
}

static void
run_chunk(Incremental *inc, Window *window)
{
	BackfillTable *table = inc_table_of(inc, window);
	char tag[BACKFILL_ID_MAX + 32];
	ReadRequest request = {.schema = table->schema,
						   .name = table->name,
						   .oid = table->oid,
						   .filenode = table->filenode,
						   .settings = inc->settings,
						   .tag = tag,
						   .tag_len = make_tag(inc, window, tag),
						   .filter = table->where};
	StrBuf sql = {0};

	fill_range(inc, window, &request);
	reader_build(&inc->reader, &request, &sql);
	inc->errand = ERRAND_CHUNK;
	reader_run(&inc->reader, &sql);
}

/* A standby must have what was delivered: else its snapshot is too old. */
void
inc_chunk_ask_replay(Incremental *inc)
{
	StrBuf sql = {0};

	strbuf_puts(&sql, "SELECT pg_catalog.pg_last_wal_replay_lsn() AS replayed");
	inc->errand = ERRAND_REPLAY;
	reader_run(&inc->reader, &sql);
}

static void
ask_bound(Incremental *inc, const BackfillTable *table)
{
	StrBuf sql = {0};

	strbuf_putf(&sql, "SELECT %s.etf_key_bound(%lu::pg_catalog.oid, ",
				inc->reader.schema, (unsigned long) table->oid);
	if (table->where[0] != '\0')
		strbuf_put_literal(&sql, table->where);
	else
		strbuf_puts(&sql, "NULL");
	strbuf_puts(&sql, ") AS bound");
	inc->errand = ERRAND_BOUND;
	inc->errand_table = (uint32_t) (table - inc->state.tables);
	reader_run(&inc->reader, &sql);
}

void
inc_chunk_begin(Incremental *inc, const StreamPlace *place, Window *window)
{
	BackfillTable *table = inc_table_of(inc, window);
	IncTable *here = &inc->tables[window->table];
	Listener to = inc_listener(inc);

	if (here->began_at == 0)
		here->began_at = place->now;
	if (table->order == ORDER_KEYS && !table->keyed)
	{
		ask_bound(inc, table);
		return;
	}
	pace_begin(&inc->pace, place_is_busy(place));
	announce_open(&to, table, window->number);
	window->state = WINDOW_READING;
	window->rows = window->bytes = window->horizon = 0;
	window->began_at = place->now;
	texts_free(&window->last);
	inc->held_up = false;
	inc->replayed = place->delivered;
	if (inc->reader.in_recovery)
		inc_chunk_ask_replay(inc);
	else
		run_chunk(inc, window);
}

/* What is inserted behind it is in the stream.  Without it there are no rows. */
static void
take_bound(Incremental *inc)
{
	BackfillTable *table = &inc->state.tables[inc->errand_table];
	const char *bound = db_value(&inc->reader.db, "bound");

	table->keyed = bound == NULL || (texts_parse(&table->bound, bound) &&
									 table->bound.count == table->key.count);
	if (!table->keyed || bound == NULL)
	{
		texts_free(&table->bound);
		inc_window_forget(inc, inc->errand_table, NULL);
	}
	inc->dirty = true;
}

void
inc_chunk_handled(Incremental *inc, const Window *window,
				  const StreamPlace *place)
{
	if (window->moved == 0)
		pace_handled(&inc->pace, place->now - window->began_at,
					 place_is_busy(place));
	if (place_is_busy(place))
		inc->reader_at = place->now + PACE_REST_BUSY_MS;
}

static void
chunk_there(Incremental *inc, const StreamPlace *place, Window *window)
{
	const BackfillTable *table = inc_table_of(inc, window);
	IncTable *here = &inc->tables[window->table];
	PaceChunk chunk = {.ms = place->now - window->began_at,
					   .bytes = window->bytes,
					   .blocks = window->blocks,
					   .held_up = inc->held_up};
	Listener to = inc_listener(inc);

	window->state = WINDOW_THERE;
	here->missed = false;
	backoff_reset(&here->backoff);
	backoff_reset(&inc->reader_backoff);
	consumer_end_batch(inc->consumer);
	announce_there(&to, window->number);
	if (window->moved > 0)
		return;
	pace_read(&inc->pace, &chunk, place_is_busy(place));
	here->block = window->block + window->blocks;
	if (table->order == ORDER_BLOCKS)
		return;
	here->exhausted = !window->more;
	texts_copy(&here->after, &window->last);
}

static void
chunk_done(Incremental *inc, const StreamPlace *place)
{
	Window *window = inc_window_reading(inc);

	if (!inc->discards && window != NULL)
		chunk_there(inc, place, window);
	inc->discards = false;
}

static void
replay_done(Incremental *inc, const StreamPlace *place)
{
	Window *window = inc_window_reading(inc);

	if (inc->discards || window == NULL)
	{
		inc->discards = false;
		return;
	}
	if (db_lsn(&inc->reader.db, "replayed") >= inc->replayed)
		run_chunk(inc, window);
	else
	{
		inc->errand = ERRAND_REPLAY;
		inc->reader_at = place->now + REPLAY_MS;
	}
}

void
inc_chunk_done(Incremental *inc, const StreamPlace *place)
{
	IncErrand errand = inc->errand;

	inc->errand = ERRAND_NONE;
	if (errand == ERRAND_CHUNK)
		chunk_done(inc, place);
	else if (errand == ERRAND_REPLAY)
		replay_done(inc, place);
	else if (errand == ERRAND_BOUND)
		take_bound(inc);
}
