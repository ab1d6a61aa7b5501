/*
 * inc_pace.c
 *		How large the chunks of mode incremental are.
 *
 * Asked by inc_chunk.c, which has the clock.
 */
#include "client/backfill/inc_pace.h"

/* A chunk that takes longer is to be a smaller one; a quick one may grow. */
#define SLOW_MS 200

/* The same beside a stream that delivers changes, which wait for its rows. */
#define SLOW_BUSY_MS 4

/* Of about how many bytes a block is thought to be, before one was read. */
#define BLOCK_GUESS 8192
#define BLOCKS_MAX 8192

static uint64_t
between(uint64_t least, uint64_t value, uint64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static uint64_t
most_now(const Pace *pace, bool busy)
{
	return busy && pace->most > PACE_PIECE_BUSY ? PACE_PIECE_BUSY : pace->most;
}

void
pace_init(Pace *pace, uint64_t most)
{
	pace->most = pace->piece = most;
	pace->blocks = between(1, pace->piece / BLOCK_GUESS, BLOCKS_MAX);
}

void
pace_halve(Pace *pace)
{
	pace->piece = between(PACE_PIECE_MIN, pace->piece / 2, UINT64_MAX);
	pace->blocks = between(1, pace->blocks / 2, BLOCKS_MAX);
}

void
pace_begin(Pace *pace, bool busy)
{
	uint64_t most = most_now(pace, busy);

	if (pace->piece <= most)
		return;
	pace->blocks = between(1, pace->blocks * most / pace->piece, BLOCKS_MAX);
	pace->piece = most;
}

/* As large as fits into a time. */
static void
fit_piece(Pace *pace, int64_t ms, int64_t slow, uint64_t most)
{
	if (ms > slow && pace->piece / 2 >= PACE_PIECE_MIN)
		pace->piece /= 2;
	else if (ms < slow / 4 && pace->piece < most)
		pace->piece = between(1, 2 * pace->piece, most);
}

/* By how much a block gave; where rows are few, not more than it can read. */
static void
fit_blocks(Pace *pace, const PaceChunk *chunk)
{
	uint64_t blocks = 4 * pace->blocks;

	if (chunk->blocks == 0)
		return;
	if (chunk->bytes > 0 && pace->piece * chunk->blocks / chunk->bytes < blocks)
		blocks = pace->piece * chunk->blocks / chunk->bytes;
	if (chunk->ms > SLOW_MS && !chunk->held_up && blocks > chunk->blocks / 2)
		blocks = chunk->blocks / 2;
	pace->blocks = between(1, blocks, BLOCKS_MAX);
}

void
pace_read(Pace *pace, const PaceChunk *chunk, bool busy)
{
	if (!chunk->held_up && !busy)
		fit_piece(pace, chunk->ms, SLOW_MS, pace->most);
	fit_blocks(pace, chunk);
}

void
pace_handled(Pace *pace, int64_t ms, bool busy)
{
	if (busy)
		fit_piece(pace, ms, SLOW_BUSY_MS, most_now(pace, true));
}
