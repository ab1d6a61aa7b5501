/*
 * write.c
 *		Write frames, as docs/protocol.md describes them.
 *
 * read.c reads what is written here.
 */
#include "common/frame/write.h"

#include <string.h>

static void
frame_begin(FrameOut *frame)
{
	frame->start = frame->out.len;
	etf_put_version(&frame->out);
}

/* A number that is patched later: four bytes, at the returned offset. */
static size_t
put_count(TermOut *out, char tag)
{
	*out_reserve(out, ETF_HEADER_SIZE) = tag;
	out->len += ETF_HEADER_SIZE;
	return out->len - 4;
}

static void
put_position(FrameOut *frame, const FrameTx *tx)
{
	TermOut *out = &frame->out;

	etf_put_tuple(out, 4);
	etf_put_uint(out, tx->xid);
	etf_put_uint(out, tx->commit_lsn);
	frame->end_at = tx->end_lsn == 0 ? out->len : 0;
	etf_put_uint(out, tx->end_lsn);
	etf_put_int(out, tx->commit_time);
}

void
frame_open_tx(FrameOut *frame, const FrameTx *tx)
{
	TermOut *out = &frame->out;

	frame_begin(frame);
	etf_put_tuple(out, 7);
	if (tx->prepared)
		etf_put_atom(out, "prepare");
	else
		etf_put_atom(out, "tx");
	frame->part_at = out->len;
	if (tx->sent)
		etf_put_atom(out, "middle");
	else
		etf_put_atom(out, "whole");
	put_position(frame, tx);
	etf_put_uint(out, tx->index);
	frame->count_at = put_count(out, TAG_INTEGER);
}

void
frame_open_stream(FrameOut *frame, const FrameTx *tx, uint32_t subxid,
				  uint64_t lsn)
{
	TermOut *out = &frame->out;

	frame_begin(frame);
	etf_put_tuple(out, 7);
	etf_put_atom(out, "stream");
	if (tx->sent)
		etf_put_atom(out, "more");
	else
		etf_put_atom(out, "first");
	frame->part_at = 0;
	etf_put_tuple(out, 3);
	etf_put_uint(out, tx->xid);
	etf_put_uint(out, subxid);
	etf_put_uint(out, lsn);
	etf_put_uint(out, tx->index);
	frame->count_at = put_count(out, TAG_INTEGER);
}

void
frame_open_events(FrameOut *frame)
{
	frame->length_at = put_count(&frame->out, TAG_LIST);
	frame->count = frame->terms = frame->whole_terms = 0;
	frame->whole_len = frame->out.len;
	frame->open = true;
}

void
frame_put_uncounted(FrameOut *frame, const char *event, size_t len)
{
	etf_put_raw(&frame->out, event, len);
	frame->terms++;
}

void
frame_keep_uncounted(FrameOut *frame)
{
	frame->whole_terms = frame->terms;
	frame->whole_len = frame->out.len;
}

void
frame_event_end(FrameOut *frame)
{
	frame->count++;
	frame->terms++;
	frame_keep_uncounted(frame);
}

void
frame_put_events(FrameOut *frame, const char *events, size_t len,
				 uint32_t count, uint32_t terms)
{
	etf_put_raw(&frame->out, events, len);
	frame->count += count;
	frame->terms += terms;
	frame->whole_terms = frame->terms;
	frame->whole_len = frame->out.len;
}

void
frame_drop_half_event(FrameOut *frame)
{
	frame->out.len = frame->whole_len;
	frame->out.in_value = frame->out.overflow = false;
	frame->terms = frame->whole_terms;
}

/*
 * Frames are opened as whole or middle.  "first" has as many letters as
 * "whole"; "last" has two fewer than "middle", so the frame moves up: once in
 * a transaction of many frames.
 */
static void
patch_part(FrameOut *frame, bool first, bool last)
{
	TermOut *out = &frame->out;
	char *part = out->data + frame->part_at;
	const size_t excess = sizeof("middle") - sizeof("last");

	if (first && !last)
		memcpy(part + 2, "first", 5);
	else if (!first && last)
	{
		part[1] = sizeof("last") - 1;
		memcpy(part + 2, "last", 4);
		out->len -= excess;
		frame->count_at -= excess;
		frame->length_at -= excess;
		memmove(part + 6, part + 6 + excess,
				(size_t) (out->data + out->len - part) - 6);
	}
}

static void
patch_counts(FrameOut *frame)
{
	out_patch_uint32(&frame->out, frame->count_at, frame->count);
	out_patch_uint32(&frame->out, frame->length_at, frame->terms);
}

/* An end that is known by now takes the place of 0, and of some more bytes. */
static void
patch_end(FrameOut *frame, uint64_t end_lsn)
{
	TermOut *out = &frame->out;
	char space[ETF_INTEGER_SIZE];
	TermOut term = {.data = space, .size = sizeof(space), .host = out->host};
	const size_t zero = 2;
	size_t more;
	char *at;

	etf_put_uint(&term, end_lsn);
	more = term.len - zero;
	out_reserve(out, more);
	at = out->data + frame->end_at;
	memmove(at + term.len, at + zero, out->len - frame->end_at - zero);
	memcpy(at, space, term.len);
	out->len += more;
	frame->count_at += more;
	frame->length_at += more;
}

void
frame_close(FrameOut *frame, FrameTx *tx, bool last)
{
	etf_put_list_end(&frame->out);
	if (frame->part_at != 0)
	{
		if (last && frame->end_at != 0)
			patch_end(frame, tx->end_lsn);
		patch_part(frame, !tx->sent, last);
	}
	patch_counts(frame);
	tx->index += frame->count;
	tx->sent = true;
	frame->open = false;
}

void
frame_open_read(FrameOut *frame, const char *tag, size_t len)
{
	TermOut *out = &frame->out;

	frame_begin(frame);
	etf_put_tuple(out, 4);
	etf_put_atom(out, "read");
	etf_put_raw(out, tag, len);
	frame->count_at = put_count(out, TAG_INTEGER);
	frame_open_events(frame);
}

void
frame_close_read(FrameOut *frame)
{
	etf_put_list_end(&frame->out);
	patch_counts(frame);
	frame->open = false;
}

void
frame_open_read_end(FrameOut *frame, const char *tag, size_t len)
{
	TermOut *out = &frame->out;

	frame_begin(frame);
	etf_put_tuple(out, 3);
	etf_put_atom(out, "read_end");
	etf_put_raw(out, tag, len);
}

void
frame_open_message(FrameOut *frame, uint64_t lsn)
{
	TermOut *out = &frame->out;

	frame_begin(frame);
	etf_put_tuple(out, 4);
	etf_put_atom(out, "message");
	etf_put_uint(out, lsn);
}

void
frame_open_end(FrameOut *frame, const char *name, const FrameTx *tx)
{
	frame_begin(frame);
	etf_put_tuple(&frame->out, 3);
	etf_put_atom_len(&frame->out, name, strlen(name));
	put_position(frame, tx);
}

void
frame_put_abort(FrameOut *frame, uint32_t xid, uint32_t subxid, uint64_t lsn,
				int64_t time)
{
	TermOut *out = &frame->out;

	frame_begin(frame);
	etf_put_tuple(out, 2);
	etf_put_atom(out, "stream_abort");
	etf_put_tuple(out, 4);
	etf_put_uint(out, xid);
	etf_put_uint(out, subxid);
	etf_put_uint(out, lsn);
	etf_put_int(out, time);
}
