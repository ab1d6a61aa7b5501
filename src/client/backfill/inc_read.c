/*
 * inc_read.c
 *		The reader of mode incremental: one chunk after the other.
 *
 * While one chunk waits for the stream, or for the consumer, the next one is
 * read.  Frames are handed on between transactions only, and cost no credit.
 */
#include "client/backfill/inc_parts.h"

#include <stdlib.h>
#include <string.h>

#include "common/term/read.h"

#define FRAMES_IN_A_TURN 64

/* No snapshot is held for longer, whoever is in the way. */
#define HOLD_MS 60000

void
inc_read_close(Incremental *inc)
{
	reader_close(&inc->reader);
	inc->errand = ERRAND_NONE;
	inc->discards = false;
}

bool
inc_read_listens(const Incremental *inc, const StreamPlace *place)
{
	return inc->discards ||
		   (place->between && consumer_has_room(inc->consumer));
}

static void
open_reader(Incremental *inc, const StreamPlace *place)
{
	bool elsewhere = inc->request.connection.count > 0;

	reader_open(&inc->reader, READER_USE_EXTENSION, &inc->reading,
				elsewhere ? NULL : place->hosts,
				elsewhere ? 0 : place->stream->server,
				place->stream->system_identifier, place->now);
}

/* The oldest that was picked, and is not open. */
static Window *
picked(Incremental *inc)
{
	for (uint32_t i = 0; i < WINDOWS; i++)
	{
		if (inc->windows[i].state == WINDOW_AGAIN)
			return &inc->windows[i];
	}
	return NULL;
}

static bool
take_last(Window *window, const ReadFrame *frame)
{
	TermReader reader;
	Term list;
	Term item;

	texts_free(&window->last);
	if (frame->last.last == 0)
		return true;
	term_read_init(&reader, frame->block + frame->offset,
				   frame->end - frame->offset);
	reader.pos += frame->last.last;
	if (!term_next(&reader, &list))
		return false;
	for (uint32_t i = 0; i < list.count; i++)
	{
		if (!term_next(&reader, &item) ||
			!texts_add(&window->last, (const char *) item.bytes, item.len))
			return false;
	}
	return true;
}

static void
take_end(Incremental *inc, const ReadFrame *frame)
{
	Window *window = inc_window_reading(inc);

	if (window != NULL && !inc->discards)
	{
		window->rows = frame->last.rows;
		window->bytes = frame->last.bytes;
		window->more = frame->last.more && take_last(window, frame) &&
					   window->last.count > 0;
	}
	free(frame->block);
}

/* A packet of its own, since a BEAM copies what it has not handled yet. */
static void
deliver(Incremental *inc, const ReadFrame *frame)
{
	consumer_deliver(inc->consumer, &frame->head, frame->block, frame->offset,
					 frame->end);
	consumer_end_batch(inc->consumer);
}

static void
take_frame(Incremental *inc)
{
	ReadFrame *frame = &inc->reader.frame;

	if (frame->head.kind == FRAME_READ_END)
		take_end(inc, frame);
	else if (inc->discards)
		free(frame->block);
	else
		deliver(inc, frame);
	frame->block = NULL;
}

static int64_t
wait_of(Incremental *inc, uint32_t table)
{
	return backoff_fail(&inc->tables[table].backoff, (uint32_t) random());
}

/* The connection is lost: what is read comes again over another one. */
static void
lost(Incremental *inc, const StreamPlace *place)
{
	Window *window = inc_window_reading(inc);
	Failure failure = inc->reader.db.failure;

	if (window != NULL)
		inc_window_again(inc, window, "lost", false);
	inc_read_close(inc);
	inc->reader_at =
		place->now + backoff_fail(&inc->reader_backoff, (uint32_t) random());
	if (failure_info(failure.class)->policy == POLICY_STOP &&
		failure.class != FAIL_PROTOCOL)
		inc_fail(inc, &failure);
	else
		consumer_log(inc->consumer, "warning",
					 "backfill \"%s\": reading goes on over another "
					 "connection: %s",
					 inc->request.id, failure.message);
}

/* Others come first; it is tried again, and told each time. */
static void
refused(Incremental *inc, const StreamPlace *place, uint32_t table)
{
	Listener to = inc_listener(inc);

	announce_table_failed(&to, &inc->state.tables[table],
						  &inc->reader.db.failure);
	inc_window_forget(inc, table, "refused");
	texts_copy(&inc->tables[table].after, &inc->state.tables[table].last);
	inc->tables[table].block = inc->state.tables[table].next_block;
	inc->tables[table].exhausted = false;
	inc->tables[table].retry_at = place->now + wait_of(inc, table);
}

/* Behind a plan that still has the table: its condition names what is gone. */
static bool
is_refused(const Incremental *inc, uint32_t table)
{
	ReaderTrouble trouble = inc->reader.trouble;

	return trouble == TROUBLE_REFUSED ||
		   (trouble == TROUBLE_GONE && inc->stage == INC_RUNNING &&
			inc->tables[table].missed);
}

static void
failed(Incremental *inc, const StreamPlace *place)
{
	ReaderTrouble trouble = inc->reader.trouble;
	Window *window = inc_window_reading(inc);

	if (trouble == TROUBLE_LOST)
	{
		lost(inc, place);
		return;
	}
	inc->errand = ERRAND_NONE;
	if (window == NULL)
		window = picked(inc);
	if (window != NULL && !inc->discards)
	{
		uint32_t table = window->table;

		if (is_refused(inc, table))
			refused(inc, place, table);
		else
		{
			inc_window_again(inc, window, "failed", false);
			inc->tables[table].retry_at = place->now + wait_of(inc, table);
		}
		inc->tables[table].missed = trouble == TROUBLE_GONE;
	}
	inc->discards = false;
	if (trouble == TROUBLE_REWRITTEN || trouble == TROUBLE_GONE)
		inc_desk_replan(inc);
}

/* False: nothing else comes now. */
static bool
take_event(Incremental *inc, const StreamPlace *place, ReaderEvent event)
{
	Window *window = inc_window_reading(inc);

	switch (event)
	{
		case READER_NOTHING:
			return false;
		case READER_COPY:
			if (window != NULL && !inc->discards)
				window->horizon = db_lsn(&inc->reader.db, "horizon");
			break;
		case READER_FRAME:
			take_frame(inc);
			break;
		case READER_DONE:
			inc_chunk_done(inc, place);
			break;
		case READER_FAILED:
			failed(inc, place);
			break;
		case READER_READY:
			break;
	}
	return inc->stage != INC_NONE;
}

/* What was told to be open is not read as long as others are in the way. */
static void
check_hold(Incremental *inc, const StreamPlace *place)
{
	Window *window = inc_window_reading(inc);

	if (window == NULL || !inc_due(inc, place, window->began_at + HOLD_MS))
		return;
	inc_window_again(inc, window, "slow", false);
	inc_read_close(inc);
}

static void
take_events(Incremental *inc, const StreamPlace *place, short revents)
{
	/* Those of the stream are not in the same packet. */
	consumer_end_batch(inc->consumer);
	for (int i = 0; i < FRAMES_IN_A_TURN; i++)
	{
		bool listens = inc_read_listens(inc, place);

		inc->held_up |= !listens;
		inc->waits = !listens && inc->reader.state == READER_COPYING;
		if (!take_event(
				inc, place,
				reader_turn(&inc->reader, place->now, revents, listens)))
			break;
		revents = 0;
		if (i == FRAMES_IN_A_TURN - 1)
			inc->wake_at = place->now;
	}
}

static bool
may_begin(const Incremental *inc, const StreamPlace *place, bool reads)
{
	return reads && inc->stage == INC_RUNNING && !incremental_rests(inc) &&
		   place->streaming && place->between && place->caught_up;
}

/* The standby is asked again, or another chunk begins. */
static void
go_on(Incremental *inc, const StreamPlace *place, bool reads)
{
	Window *window;

	if (inc->errand == ERRAND_REPLAY)
	{
		if (inc_due(inc, place, inc->reader_at))
			inc_chunk_ask_replay(inc);
		return;
	}
	if (inc->errand != ERRAND_NONE || !may_begin(inc, place, reads) ||
		!inc_due(inc, place, inc->reader_at))
		return;
	window = inc_pick(inc, place);
	if (window != NULL)
		inc_chunk_begin(inc, place, window);
}

void
inc_read_turn(Incremental *inc, const StreamPlace *place, short revents,
			  bool reads)
{
	if (inc->reader.state != READER_CLOSED)
		take_events(inc, place, revents);
	if (inc->stage == INC_NONE)
		return;
	check_hold(inc, place);
	if (inc->reader.state == READER_CLOSED)
	{
		if (may_begin(inc, place, reads) && inc_due(inc, place, inc->reader_at))
			open_reader(inc, place);
		return;
	}
	if (reader_is_idle(&inc->reader))
		go_on(inc, place, reads);
}
