/*
 * spooled.h
 *		Frames into a spool, and a transaction out of it.
 */
#ifndef ETF_TEST_SPOOLED_H
#define ETF_TEST_SPOOLED_H

#include "check.h"
#include "client/source/replay.h"
#include "common/term/read.h"
#include "stream_frame.h"

#define NO_LIMIT UINT64_MAX

static TermOut out;
static Spool spool;

static inline SpoolResult
put_frame(void)
{
	char *frame = exact_copy(out.data, out.len);
	FrameHead head;
	SpoolResult result;

	CHECK(frame_read_head(frame, out.len, &head));
	result = head.kind == FRAME_STREAM_ABORT
				 ? spool_abort(&spool, &head)
				 : spool_put(&spool, &head, frame, out.len);
	free(frame);
	return result;
}

static inline SpoolResult
put(bool first, uint32_t xid, uint32_t subxid, uint64_t index, uint32_t count,
	uint64_t number)
{
	put_stream(&out, first, xid, subxid, index, count, number);
	return put_frame();
}

static inline SpoolResult
put_abort(uint32_t xid, uint32_t subxid)
{
	put_stream_abort(&out, xid, subxid);
	return put_frame();
}

static inline bool
begin_replay(Replay *replay, uint32_t xid)
{
	FrameHead end;

	CHECK(frame_read_head(out.data, out.len, &end));
	return replay_begin(replay, spool_find(&spool, xid), &end, out.data,
						out.len);
}

/* The numbers that a frame has as events, or -1. */
static inline int
read_numbers(const ReplayFrame *frame, const FrameHead *head, uint64_t *numbers)
{
	TermReader reader;
	Term term;
	int count = 0;

	term_read_init(&reader, frame->data + frame->offset + head->events,
				   frame->end - frame->offset - head->events);
	CHECK(term_next(&reader, &term));
	if (term.kind == TERM_NIL)
		return term_at_end(&reader) ? 0 : -1;
	for (uint32_t left = term.count; left > 0; left--, count++)
	{
		CHECK(term_next(&reader, &term));
		numbers[count] = (uint64_t) term.integer;
	}
	CHECK(term_next(&reader, &term) && term.kind == TERM_NIL);
	return term_at_end(&reader) ? count : -1;
}

/* Replay it all, and check what each head says. */
static inline int
replay_all(bool prepare, uint32_t xid, uint64_t *numbers)
{
	Replay replay;
	int count = 0;

	put_stream_end(&out, prepare, xid);
	CHECK(begin_replay(&replay, xid));
	for (bool first = true; !replay.done; first = false)
	{
		ReplayFrame frame;
		FrameHead head;

		if (!CHECK(replay_next(&replay, &frame)))
			break;
		CHECK(frame_read_head(frame.data + frame.offset,
							  frame.end - frame.offset, &head));
		CHECK(head.kind == (prepare ? FRAME_PREPARE : FRAME_TX));
		CHECK(frame_begins(&head) == first);
		CHECK(frame_ends(&head) == replay.done);
		CHECK(head.xid == xid && head.commit_lsn == 100 &&
			  head.end_lsn == 200 && head.commit_time == 300);
		CHECK(head.first_index == (uint64_t) count);
		CHECK(read_numbers(&frame, &head, numbers + count) == (int) head.count);
		count += (int) head.count;
		free(frame.data);
	}
	replay_stop(&replay);
	return count;
}

#endif
