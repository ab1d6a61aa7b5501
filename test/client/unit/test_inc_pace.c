/*
 * test_inc_pace.c
 *		Chunks of an incremental backfill: large while nobody waits for them, small
 *		beside a stream that delivers changes.
 */
#include "client/backfill/inc_pace.h"

#include "check.h"

#define MOST 262144

/* Many chunks by keys, each read and handled in a time; how large the last is. */
static uint64_t
after(Pace *pace, int chunks, int64_t ms, bool busy)
{
	PaceChunk chunk = {.ms = ms};

	for (int i = 0; i < chunks; i++)
	{
		pace_begin(pace, busy);
		CHECK(!busy || pace->piece <= PACE_PIECE_BUSY);
		chunk.bytes = pace->piece;
		pace_read(pace, &chunk, busy);
		pace_handled(pace, ms, busy);
	}
	pace_begin(pace, busy);
	return pace->piece;
}

static void
test_they_are_as_large_as_was_asked_for(void)
{
	Pace pace;

	pace_init(&pace, MOST);
	CHECK(pace.piece == MOST && pace.blocks == MOST / 8192);
	CHECK(after(&pace, 10, 1, false) == MOST);
	pace_init(&pace, 1000);
	CHECK(pace.piece == 1000 && pace.blocks == 1);
	CHECK(after(&pace, 10, 1, false) == 1000);
	CHECK(after(&pace, 10, 1, true) == 1000);
}

/* Whether there was a change within the last chunk or not. */
static void
test_a_change_keeps_them_small_for_a_second(void)
{
	CHECK(!pace_is_busy(5000, 0));
	CHECK(pace_is_busy(5000, 5000));
	CHECK(pace_is_busy(5000 + PACE_BUSY_MS - 1, 5000));
	CHECK(!pace_is_busy(5000 + PACE_BUSY_MS, 5000));
}

static void
test_beside_changes_none_is_large(void)
{
	Pace pace;

	pace_init(&pace, MOST);
	after(&pace, 10, 1, false);
	CHECK(after(&pace, 1, 0, true) == PACE_PIECE_BUSY);
	CHECK(after(&pace, 10, 0, true) == PACE_PIECE_BUSY);
	CHECK(after(&pace, 10, 5, true) == PACE_PIECE_MIN);
	CHECK(after(&pace, 10, 0, true) == PACE_PIECE_BUSY);
	CHECK(after(&pace, 10, 1, false) == MOST);
}

static void
test_slow_ones_shrink(void)
{
	Pace pace;

	pace_init(&pace, MOST);
	after(&pace, 10, 1, false);
	CHECK(after(&pace, 1, 201, false) == MOST / 2);
	CHECK(after(&pace, 10, 201, false) == PACE_PIECE_MIN);
	pace_init(&pace, MOST);
	for (int i = 0; i < 6; i++)
		pace_halve(&pace);
	CHECK(pace.piece == PACE_PIECE_MIN && pace.blocks == 1);
}

/* By blocks as many as hold a piece, whatever they gave before. */
static void
test_blocks_follow_the_piece(void)
{
	Pace pace;
	PaceChunk chunk = {.ms = 1};

	pace_init(&pace, MOST);
	for (int i = 0; i < 20; i++)
	{
		pace_begin(&pace, false);
		chunk.blocks = pace.blocks;
		chunk.bytes = 4096 * chunk.blocks;
		pace_read(&pace, &chunk, false);
	}
	CHECK(pace.blocks == MOST / 4096);
	pace_begin(&pace, true);
	CHECK(pace.blocks == PACE_PIECE_BUSY / 4096);
	/* Where rows are few it grows step by step, and not without end. */
	chunk.bytes = 0;
	for (int i = 0; i < 20; i++)
	{
		chunk.blocks = pace.blocks;
		pace_read(&pace, &chunk, false);
		CHECK(pace.blocks <= 4 * chunk.blocks);
	}
	CHECK(pace.blocks == 8192);
}

int
main(void)
{
	test_they_are_as_large_as_was_asked_for();
	test_a_change_keeps_them_small_for_a_second();
	test_beside_changes_none_is_large();
	test_slow_ones_shrink();
	test_blocks_follow_the_piece();
	return check_done();
}
