/*
 * test_client_order.c
 *		Frames that follow one another as they must, and some that do not.
 */
#include "client/order.h"

#include "check.h"

#define FRAMES_MAX 4

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
#define MESSAGE(lsn)                                                   \
	{                                                                  \
		.kind = FRAME_MESSAGE, .part = FRAME_WHOLE, .commit_lsn = lsn, \
		.end_lsn = lsn, .count = 1                                     \
	}

static const Case cases[] = {
	{NULL,
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), MESSAGE(30),
	  FRAME(FRAME_WHOLE, 30, 40, 0, 0)},
	 3},
	{NULL,
	 {FRAME(FRAME_FIRST, 10, 20, 0, 3), FRAME(FRAME_MIDDLE, 10, 20, 3, 2),
	  FRAME(FRAME_LAST, 10, 20, 5, 1), FRAME(FRAME_FIRST, 30, 40, 0, 1)},
	 4},
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
	{"before what came",
	 {FRAME(FRAME_WHOLE, 10, 20, 0, 3), FRAME(FRAME_WHOLE, 10, 20, 0, 3)},
	 2},
	{"before what came",
	 {FRAME(FRAME_WHOLE, 30, 40, 0, 3), FRAME(FRAME_FIRST, 10, 20, 0, 3)},
	 2},
	{"in its middle", {FRAME(FRAME_FIRST, 10, 20, 1, 3)}, 1},
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const Case *sequence = &cases[i];
		const char *wrong = NULL;
		Order order;

		order_init(&order);
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
