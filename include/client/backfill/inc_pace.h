/*
 * inc_pace.h
 *		How large the chunks of mode incremental are.
 *
 * As large as was asked for, while that takes no long time.  Beside a stream
 * that delivers changes they are small and apart, since each change waits behind
 * the rows of a chunk, at the server, in the pipe and in the consumer.  Pure.
 */
#ifndef ETF_INC_PACE_H
#define ETF_INC_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Less is not worth a transaction. */
#define PACE_PIECE_MIN 8192

/* The most that a change waits behind. */
#define PACE_PIECE_BUSY 16384

/* From one that was handled to the next: the changes in it wait for nothing. */
#define PACE_REST_BUSY_MS 3

/* So long after a change there may be another one. */
#define PACE_BUSY_MS 1000

typedef struct Pace
{
	uint64_t most;	 /* bytes of a chunk, as it was asked for */
	uint64_t piece;	 /* as they fit now */
	uint64_t blocks; /* the same by blocks */
} Pace;

/* What became of a chunk. */
typedef struct PaceChunk
{
	int64_t ms;
	uint64_t bytes;
	uint64_t blocks; /* 0: it was read by keys */
	bool held_up;	 /* the consumer, or the stream, came in between */
} PaceChunk;

extern void pace_init(Pace *pace, uint64_t most);

/* Does the stream deliver changes, the last one then?  0: none so far. */
static inline bool
pace_is_busy(int64_t now, int64_t changed_at)
{
	return changed_at != 0 && now - changed_at < PACE_BUSY_MS;
}

/* Halve it, again where necessary; less is asked for than may be. */
extern void pace_halve(Pace *pace);

/* A chunk is about to begin. */
extern void pace_begin(Pace *pace, bool busy);

/* Its rows are all there. */
extern void pace_read(Pace *pace, const PaceChunk *chunk, bool busy);

/* The consumer has handled it, so many milliseconds after its begin. */
extern void pace_handled(Pace *pace, int64_t ms, bool busy);

#endif
