/*
 * streams.h
 *		Transactions in progress: kept until they end, then replayed.
 *
 * Called by flow.c, with the frame that is held.
 */
#ifndef ETF_STREAMS_H
#define ETF_STREAMS_H

#include "client/engine/state.h"

/* Is a frame of this kind kept instead of delivered? */
static inline bool
streams_have(const FrameHead *head)
{
	return head->kind == FRAME_STREAM || head->kind == FRAME_STREAM_ABORT;
}

/* Does it end one of them? */
static inline bool
streams_end_with(const FrameHead *head)
{
	return head->kind == FRAME_STREAM_COMMIT ||
		   head->kind == FRAME_STREAM_PREPARE;
}

/* A part of one, or that it is void. */
extern void streams_keep(Engine *engine);

/*
 * Its end: what is left of it follows by streams_next().  True: nothing is,
 * and nothing is to be said of it.
 */
extern bool streams_end(Engine *engine);

/*
 * This frame was delivered before, or is not wanted.  If it ends a stream, so
 * is all of that; what is made of one while it is read leaves it alone.
 */
extern void streams_forget(Engine *engine, const FrameHead *head);

/*
 * The stream has failed.  Where tables are altered meanwhile a server can fail
 * to decode what is in progress (XX000), but not the whole; and what was kept
 * may not be read again.  True: it is tried without streaming.
 */
extern bool streams_spared(Engine *engine);

/* Hold the next frame of the one that has ended.  False: see the phase. */
extern bool streams_next(Engine *engine);

#endif
