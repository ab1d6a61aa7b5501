/*
 * write.h
 *		Write frames, as docs/protocol.md describes them.
 *
 *		frame_open_tx(frame, tx);
 *		... Meta, one term ...
 *		frame_open_events(frame);
 *			... one event ...
 *			frame_event_end(frame);
 *		frame_close(frame, tx, last);
 *
 * All terms are written into frame->out, which the caller has attached to
 * memory; the frame starts after what it already contains.  What is not known
 * when a frame is opened (its part, its count, its length) is patched when it
 * is closed.  A stream's frame is opened with frame_open_stream() instead.
 */
#ifndef ETF_FRAME_WRITE_H
#define ETF_FRAME_WRITE_H

#include "common/term/write.h"

/* A transaction, from one of its frames to the next. */
typedef struct FrameTx
{
	uint32_t xid;
	uint64_t commit_lsn;
	uint64_t end_lsn;	 /* 0: told before the last frame is closed */
	int64_t commit_time; /* microseconds since 1970-01-01 UTC */
	uint64_t index;		 /* events in the frames so far */
	bool sent;			 /* there has been a frame */
	bool prepared;		 /* it is not committed yet */
} FrameTx;

typedef struct FrameOut
{
	TermOut out;
	bool open;		/* until it is closed; of a transaction */
	uint32_t count; /* events that cost credit */
	uint32_t terms; /* elements of the list: uncounted events, too */

	/* Offsets in out->data. */
	size_t start;	/* of the frame's first byte */
	size_t part_at; /* 0: it is not patched */
	size_t end_at;	/* EndLsn, where it was not known; else 0 */
	size_t count_at;
	size_t length_at;

	/* As of the last event that was ended. */
	size_t whole_len;
	uint32_t whole_terms;
} FrameOut;

/*
 * {tx | prepare, Part, {Xid, CommitLsn, EndLsn, CommitTime}, FirstIndex,
 *	Count, ...
 */
extern void frame_open_tx(FrameOut *frame, const FrameTx *tx);

/* {stream, first | more, {Xid, SubXid, Lsn}, FirstIndex, Count, ... */
extern void frame_open_stream(FrameOut *frame, const FrameTx *tx,
							  uint32_t subxid, uint64_t lsn);

/* ... Meta, [ ... */
extern void frame_open_events(FrameOut *frame);

/* Part of the list, but not of the count: a relation event. */
extern void frame_put_uncounted(FrameOut *frame, const char *event, size_t len);

extern void frame_event_end(FrameOut *frame);

/* What was put uncounted stays, whatever becomes of the next event. */
extern void frame_keep_uncounted(FrameOut *frame);

/* Events that were in another frame: "count" of them are not uncounted. */
extern void frame_put_events(FrameOut *frame, const char *events, size_t len,
							 uint32_t count, uint32_t terms);

/* Where the first element of the list is. */
static inline size_t
frame_events_at(const FrameOut *frame)
{
	return frame->length_at + 4;
}

/*
 * Drop what was written since the last event ended: what an error left of the
 * next one, and the uncounted events before it.
 */
extern void frame_drop_half_event(FrameOut *frame);

static inline bool
frame_has_half_event(const FrameOut *frame)
{
	return frame->out.len != frame->whole_len;
}

/* ... ]}; the frame is what lies from frame->start to out.len. */
extern void frame_close(FrameOut *frame, FrameTx *tx, bool last);

/* {Name, {Xid, CommitLsn, EndLsn, CommitTime}, ...: Meta, and nothing else */
extern void frame_open_end(FrameOut *frame, const char *name,
						   const FrameTx *tx);

/* {stream_abort, {Xid, SubXid, AbortLsn, AbortTime}}, a whole frame */
extern void frame_put_abort(FrameOut *frame, uint32_t xid, uint32_t subxid,
							uint64_t lsn, int64_t time);

/*
 * Rows that were read: {read, Tag, Count, [ ... ]}, and behind the last of them
 * {read_end, Tag, ...: one term is to follow, and nothing else.  Tag is a term
 * without the version byte.
 */
extern void frame_open_read(FrameOut *frame, const char *tag, size_t len);
extern void frame_close_read(FrameOut *frame);
extern void frame_open_read_end(FrameOut *frame, const char *tag, size_t len);

/* {message, Lsn, ...: Prefix and Content are to follow, and nothing else. */
extern void frame_open_message(FrameOut *frame, uint64_t lsn);

static inline size_t
frame_size(const FrameOut *frame)
{
	return frame->out.len - frame->start;
}

#endif
