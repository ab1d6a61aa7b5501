/*
 * test_frame_order.c
 *		Frames that follow one another as they must, and some that do not.
 */
#include "client/source/frame_order.h"

#include "check.h"

#define FRAMES_MAX 4

/* Of each connection. */
#define START 8

typedef struct Case
{
	const char *wrong; /* of the last frame; NULL: nothing */
	FrameHead frames[FRAMES_MAX];
	int count;
} Case;

#define FRAME(name, commit, end, index, events)                         \
	{                                                                   \
		.kind = FRAME_TX, .part = name, .xid = 7, .commit_lsn = commit, \
		.end_lsn = end, .first_index = index, .count = events           \
	}
#define PREPARE(name, commit, end, index, events)                            \
	{                                                                        \
		.kind = FRAME_PREPARE, .part = name, .xid = 7, .commit_lsn = commit, \
		.end_lsn = end, .first_index = index, .count = events                \
	}
#define STREAM(of_kind, commit, end)                                \
	{                                                               \
		.kind = of_kind, .part = FRAME_WHOLE, .commit_lsn = commit, \
		.end_lsn = end                                              \
	}
#define MESSAGE(lsn)                                                   \
	{                                                                  \
		.kind = FRAME_MESSAGE, .part = FRAME_WHOLE, .commit_lsn = lsn, \
		.end_lsn = lsn, .count = 1                                     \
	}

static const char not_asked[] = "not asked for";

static const Case cases[] = {
	{NULL,
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), MESSAGE(30),
	  FRAME(FRAME_WHOLE, 30, 40, 0, 0)},
	 3},
	{NULL,
	 {FRAME(FRAME_FIRST, 10, 20, 0, 3), FRAME(FRAME_MIDDLE, 10, 20, 3, 2),
	  FRAME(FRAME_LAST, 10, 20, 5, 1), FRAME(FRAME_FIRST, 30, 40, 0, 1)},
	 4},
	{NULL,
	 {FRAME(FRAME_WHOLE, 1, 10, 0, 1), FRAME(FRAME_FIRST, 10, 0, 0, 3),
	  FRAME(FRAME_MIDDLE, 10, 0, 3, 2), FRAME(FRAME_LAST, 10, 20, 5, 1)},
	 4},
	{"its end is not told", {FRAME(FRAME_WHOLE, 10, 0, 0, 3)}, 1},
	{"its end is not told",
	 {FRAME(FRAME_FIRST, 10, 0, 0, 3), FRAME(FRAME_LAST, 10, 0, 3, 2)},
	 2},
	{"another transaction",
	 {FRAME(FRAME_FIRST, 10, 0, 0, 3), FRAME(FRAME_MIDDLE, 10, 20, 3, 2)},
	 2},
	{"another transaction",
	 {FRAME(FRAME_FIRST, 10, 0, 0, 3), FRAME(FRAME_LAST, 10, 10, 3, 2)},
	 2},
	{"another transaction",
	 {FRAME(FRAME_FIRST, 10, 20, 0, 3), FRAME(FRAME_MIDDLE, 10, 0, 3, 2)},
	 2},
	{"before what came",
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), FRAME(FRAME_FIRST, 19, 0, 0, 3)},
	 2},
	{"without the first", {FRAME(FRAME_MIDDLE, 10, 20, 3, 2)}, 1},
	{"without the first",
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), FRAME(FRAME_LAST, 10, 20, 3, 2)},
	 2},
	{"another transaction",
	 {FRAME(FRAME_FIRST, 10, 20, 0, 3), FRAME(FRAME_LAST, 11, 20, 3, 2)},
	 2},
	{"another transaction",
	 {FRAME(FRAME_FIRST, 10, 20, 0, 3), FRAME(FRAME_LAST, 10, 21, 3, 2)},
	 2},
	{"left out",
	 {FRAME(FRAME_FIRST, 10, 20, 0, 3), FRAME(FRAME_MIDDLE, 10, 20, 4, 2)},
	 2},
	{"left out",
	 {FRAME(FRAME_FIRST, 10, 20, 0, 3), FRAME(FRAME_LAST, 10, 20, 2, 2)},
	 2},
	{"within another",
	 {FRAME(FRAME_FIRST, 10, 20, 0, 3), FRAME(FRAME_WHOLE, 30, 40, 0, 1)},
	 2},
	{"within another", {FRAME(FRAME_FIRST, 10, 20, 0, 3), MESSAGE(15)}, 2},
	{not_asked, {STREAM(FRAME_STREAM, 5, 0)}, 1},
	{not_asked, {STREAM(FRAME_STREAM_ABORT, 5, 0)}, 1},
	{not_asked, {STREAM(FRAME_STREAM_COMMIT, 10, 20)}, 1},
	{not_asked, {STREAM(FRAME_STREAM_PREPARE, 10, 20)}, 1},
	{not_asked, {PREPARE(FRAME_WHOLE, 10, 20, 0, 1)}, 1},
	{not_asked, {STREAM(FRAME_DECISION, 10, 20)}, 1},
	{not_asked, {STREAM(FRAME_READ, 0, 0)}, 1},
	{not_asked, {STREAM(FRAME_READ_END, 0, 0)}, 1},
	{"before what came",
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), FRAME(FRAME_WHOLE, 10, 20, 0, 3)},
	 2},
	{"before what came",
	 {FRAME(FRAME_WHOLE, 30, 40, 0, 3), FRAME(FRAME_FIRST, 10, 20, 0, 3)},
	 2},
	{"in its middle", {FRAME(FRAME_FIRST, 10, 20, 1, 3)}, 1},

	/* What is in progress has no place yet, its end has one. */
	{NULL,
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), STREAM(FRAME_STREAM, 5, 0),
	  STREAM(FRAME_STREAM_ABORT, 0, 0), FRAME(FRAME_WHOLE, 30, 40, 0, 3)},
	 4},
	{"within a transaction",
	 {FRAME(FRAME_FIRST, 10, 20, 0, 3), STREAM(FRAME_STREAM, 5, 0)},
	 2},
	{"before what came",
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), STREAM(FRAME_STREAM_COMMIT, 10, 20)},
	 2},
	{"before what came",
	 {STREAM(FRAME_STREAM_COMMIT, 10, 20), FRAME(FRAME_WHOLE, 10, 20, 0, 3)},
	 2},

	/* A late prepare may end anywhere up to the start. */
	{NULL,
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), PREPARE(FRAME_FIRST, 2, START, 0, 2),
	  PREPARE(FRAME_LAST, 2, START, 2, 1), FRAME(FRAME_WHOLE, 30, 40, 0, 3)},
	 4},
	{NULL,
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), PREPARE(FRAME_WHOLE, 4, 6, 0, 2),
	  PREPARE(FRAME_WHOLE, 2, 4, 0, 1), STREAM(FRAME_STREAM_PREPARE, 1, 2)},
	 4},
	{"before what came",
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), PREPARE(FRAME_WHOLE, 2, 4, 0, 2),
	  FRAME(FRAME_WHOLE, 10, 20, 0, 3)},
	 3},
	{"before what came",
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3),
	  PREPARE(FRAME_WHOLE, 2, START + 1, 0, 2)},
	 2},
	{"left out",
	 {PREPARE(FRAME_FIRST, 2, START, 0, 2),
	  PREPARE(FRAME_LAST, 2, START, 3, 1)},
	 2},
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const Case *sequence = &cases[i];
		const char *wrong = NULL;
		Order order;

		order_init(&order, START, sequence->wrong != not_asked,
				   sequence->wrong != not_asked);
		for (int frame = 0; frame < sequence->count; frame++)
		{
			CHECK_THAT(wrong == NULL, "case %zu, frame %d: %s", i, frame,
					   wrong != NULL ? wrong : "");
			wrong = order_check(&order, &sequence->frames[frame]);
		}
		CHECK_THAT(sequence->wrong == NULL
					   ? wrong == NULL
					   : wrong != NULL && strstr(wrong, sequence->wrong),
				   "case %zu: %s", i, wrong != NULL ? wrong : "nothing");
	}
	return check_done();
}
