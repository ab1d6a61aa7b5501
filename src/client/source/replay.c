/*
 * replay.c
 *		A stream that has ended, as the transaction it turned out to be.
 *
 * Between spool.c, which has the frames, and whoever takes them: flow.c, or
 * print_file.c.  Only heads are written; events are read into their place.
 */
#include "client/source/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/source/spool_file.h"
#include "common/term/write.h"

/* Two tuples and atoms, five integers, Count; what is before Meta. */
#define HEAD_SIZE (32 + 5 * ETF_INTEGER_SIZE + ETF_HEADER_SIZE)

bool
replay_begin(Replay *replay, SpoolStream *stream, const FrameHead *end,
			 const char *frame, size_t len)
{
	size_t meta_len = len - end->meta;
	char *meta = malloc(meta_len);

	if (meta == NULL)
		return false;
	memcpy(meta, frame + end->meta, meta_len);
	*replay = (Replay){
		.stream = stream, .end = *end, .meta = meta, .meta_len = meta_len};
	return true;
}

void
replay_stop(Replay *replay)
{
	free(replay->meta);
	*replay = (Replay){.stream = NULL};
}

static void
put_part(TermOut *out, bool first, bool last)
{
	if (first && last)
		etf_put_atom(out, "whole");
	else if (first)
		etf_put_atom(out, "first");
	else if (last)
		etf_put_atom(out, "last");
	else
		etf_put_atom(out, "middle");
}

/* As the plugin writes it, Count in four bytes included. */
static void
put_head(const Replay *replay, bool first, uint64_t count, TermOut *out)
{
	const FrameHead *end = &replay->end;
	char counted[ETF_HEADER_SIZE] = {TAG_INTEGER};

	etf_put_version(out);
	etf_put_tuple(out, 7);
	if (end->kind == FRAME_STREAM_PREPARE)
		etf_put_atom(out, "prepare");
	else
		etf_put_atom(out, "tx");
	put_part(out, first, replay->done);
	etf_put_tuple(out, 4);
	etf_put_uint(out, end->xid);
	etf_put_uint(out, end->commit_lsn);
	etf_put_uint(out, end->end_lsn);
	etf_put_int(out, end->commit_time);
	etf_put_uint(out, replay->index);
	store_uint32(counted + 1, (uint32_t) count);
	etf_put_small(out, counted, sizeof(counted));
}

/* Put head and Meta in front of what stands at "events". */
static void
add_head(const Replay *replay, bool first, uint64_t count, ReplayFrame *frame,
		 size_t events)
{
	char head[HEAD_SIZE];
	TermOut out = {.data = head, .size = sizeof(head)};
	char *place = frame->data + events - replay->meta_len;

	put_head(replay, first, count, &out);
	memcpy(place, replay->meta, replay->meta_len);
	memcpy(place - out.len, head, out.len);
	frame->offset = events - replay->meta_len - out.len;
}

/* Everything was cut off: a transaction without events. */
static bool
make_empty(Replay *replay, ReplayFrame *frame, size_t room)
{
	frame->data = malloc(room + 1);
	if (frame->data == NULL)
		return false;
	frame->data[room] = TAG_NIL;
	frame->end = room + 1;
	replay->done = true;
	add_head(replay, true, 0, frame, room);
	return true;
}

/* What is there was not written like this. */
static bool
damaged(void)
{
	errno = EIO;
	return false;
}

/* Read a record behind "room" bytes of a new block. */
static bool
read_record(const Replay *replay, ReplayFrame *frame, size_t room)
{
	const SpoolStream *stream = replay->stream;
	size_t len;

	frame->data =
		spool_file_read(stream->fd, replay->at, stream->bytes, room, &len);
	frame->end = room + len;
	return frame->data != NULL;
}

bool
replay_next(Replay *replay, ReplayFrame *frame)
{
	size_t room = HEAD_SIZE + replay->meta_len;
	bool first = replay->at == 0;
	FrameHead part;

	if (replay->stream->bytes == 0)
		return make_empty(replay, frame, room);
	if (!read_record(replay, frame, room))
		return false;
	if (!frame_read_head(frame->data + room, frame->end - room, &part))
	{
		free(frame->data);
		return damaged();
	}
	replay->at += SPOOL_RECORD_HEADER + frame->end - room;
	replay->done = replay->at >= replay->stream->bytes;
	add_head(replay, first, part.count, frame, room + part.events);
	replay->index += part.count;
	return true;
}
