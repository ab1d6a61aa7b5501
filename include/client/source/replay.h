/*
 * replay.h
 *		A stream that has ended, as the transaction it turned out to be.
 *
 * Its frames get the head of a transaction's, or of a prepared one's, and
 * their events the numbers that they would have had if the server had sent
 * them at the commit: so both ways give the same.
 */
#ifndef ETF_REPLAY_H
#define ETF_REPLAY_H

#include "client/source/spool.h"

typedef struct Replay
{
	SpoolStream *stream; /* NULL: none runs */
	FrameHead end;		 /* that of the frame that ended the stream */
	uint64_t at;		 /* in the file */
	uint64_t index;		 /* of the next event */
	bool done;			 /* the last frame was taken */
	char *meta;			 /* of the transaction, as its end says it */
	size_t meta_len;
} Replay;

/* A frame: bytes offset..end of a malloc()ed block. */
typedef struct ReplayFrame
{
	char *data;
	size_t offset;
	size_t end;
} ReplayFrame;

static inline bool
replay_runs(const Replay *replay)
{
	return replay->stream != NULL;
}

/* "frame" ends the stream, and "end" is its head.  False: out of memory. */
extern bool replay_begin(Replay *replay, SpoolStream *stream,
						 const FrameHead *end, const char *frame, size_t len);

/*
 * The next frame; after the one that ends the transaction, replay->done is
 * true.  False: see errno.
 */
extern bool replay_next(Replay *replay, ReplayFrame *frame);

/* The stream stays with its spool. */
extern void replay_stop(Replay *replay);

#endif
