/*
 * fuzz_spool.c
 *		Streams of a server, and files of a disk, that are not to be trusted.
 *
 * The input is a list of steps, a byte each with what belongs to it: a frame
 * made of small numbers, so that streams and labels meet, a frame as it
 * stands, or bytes written over a file.
 */
#include <string.h>
#include <unistd.h>

#include "client/source/replay.h"
#include "fuzz.h"
#include "stream_frame.h"

#define LIMIT (64u << 10)

typedef struct Input
{
	const uint8_t *bytes;
	size_t left;
} Input;

static uint8_t
take(Input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->bytes++;
}

static void
check_sums(const Spool *spool)
{
	uint64_t bytes = 0;
	uint32_t labels = 0;
	uint32_t count = 0;

	for (const SpoolStream *stream = spool->streams; stream != NULL;
		 stream = stream->next, count++)
	{
		bytes += stream->bytes;
		labels += stream->labels.count;
		HOLDS(stream->events <= stream->received);
	}
	HOLDS(bytes == spool->bytes && bytes <= LIMIT);
	HOLDS(labels == spool->labels && count == spool->count);
}

/* Frames that follow each other, whatever is in the file. */
static void
replay(Spool *spool, const FrameHead *end, const char *bytes, size_t len)
{
	SpoolStream *stream = spool_find(spool, end->xid);
	Replay replay;
	uint64_t index = 0;

	if (stream == NULL || !replay_begin(&replay, stream, end, bytes, len))
		return;
	while (!replay.done)
	{
		ReplayFrame frame;
		FrameHead head;
		bool begins = replay.at == 0;

		if (!replay_next(&replay, &frame))
			break;
		HOLDS(frame_read_head(frame.data + frame.offset,
							  frame.end - frame.offset, &head));
		HOLDS(head.xid == end->xid && head.end_lsn == end->end_lsn);
		HOLDS(head.first_index == index);
		HOLDS(frame_begins(&head) == begins &&
			  frame_ends(&head) == replay.done);
		index += head.count;
		free(frame.data);
	}
	replay_stop(&replay);
	spool_drop(spool, stream);
}

static void
accept(Spool *spool, const char *bytes, size_t len)
{
	char *frame = fuzz_copy(bytes, len);
	FrameHead head;
	SpoolResult result = SPOOL_KEPT;

	if (frame_read_head(frame, len, &head))
	{
		if (head.kind == FRAME_STREAM)
			result = spool_put(spool, &head, frame, len);
		else if (head.kind == FRAME_STREAM_ABORT)
			result = spool_abort(spool, &head);
		else if (head.kind == FRAME_STREAM_COMMIT ||
				 head.kind == FRAME_STREAM_PREPARE)
			replay(spool, &head, frame, len);
	}
	free(frame);
	if (result != SPOOL_KEPT)
		spool_clear(spool);
	check_sums(spool);
}

/* Mostly with the index that is right. */
static void
make_stream(Spool *spool, Input *input, TermOut *out)
{
	uint32_t xid = take(input) % 4;
	const SpoolStream *stream = spool_find(spool, xid);
	uint8_t how = take(input);
	uint64_t index = how == 255 || stream == NULL ? 0 : stream->received;

	put_stream(out, stream == NULL || how < 16, xid, take(input) % 16,
			   how < 16 ? 0 : index, 1 + take(input) % 4, 0);
	accept(spool, out->data, out->len);
}

static void
damage(const Spool *spool, Input *input)
{
	uint8_t at = take(input);
	char byte = (char) take(input);

	if (spool->streams != NULL && spool->streams->bytes > at)
		HOLDS(pwrite(spool->streams->fd, &byte, 1, at) == 1);
}

static void
make_raw(Spool *spool, Input *input)
{
	size_t len = take(input);

	if (len > input->left)
		len = input->left;
	accept(spool, (const char *) input->bytes, len);
	input->bytes += len;
	input->left -= len;
}

static void
step(Spool *spool, Input *input, TermOut *out)
{
	uint8_t what = take(input) % 16;
	uint32_t xid = take(input) % 4;

	if (what < 9)
		make_stream(spool, input, out);
	else if (what == 14)
		damage(spool, input);
	else if (what == 15)
		make_raw(spool, input);
	else
	{
		if (what < 12)
			put_stream_abort(out, xid, take(input) % 16);
		else
			put_stream_end(out, what == 12, xid);
		accept(spool, out->data, out->len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input = {data, size};
	TermOut out = {.data = NULL};
	Spool spool;

	spool_init(&spool, NULL, LIMIT);
	while (input.left > 0)
		step(&spool, &input, &out);
	spool_clear(&spool);
	check_sums(&spool);
	free(out.data);
	return 0;
}
