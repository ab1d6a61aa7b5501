/*
 * test_pace.c
 *		Credit, back-off, shrinking and gathering: how much may go out, and how
 *		soon to connect anew, or to read.
 */
#include "client/engine/credit.h"
#include "client/engine/gather.h"
#include "client/engine/shrink.h"
#include "common/backoff.h"

#include "check.h"

static void
test_credit_is_overdrawn_by_one_frame(void)
{
	Credit credit = {0};

	CHECK(!credit_allows(&credit, 1));
	credit_grant(&credit, 10, 0);
	CHECK(!credit_allows(&credit, 1));
	credit_grant(&credit, 10, 1);
	CHECK(credit_allows(&credit, 1));
	CHECK(credit_allows(&credit, 1000));
	credit_spend(&credit, 1000, 65536);
	CHECK(!credit_allows(&credit, 1));
	credit_grant(&credit, 1000, 70000);
	CHECK(!credit_allows(&credit, 1));
	credit_grant(&credit, 1001, 65536);
	CHECK(credit_allows(&credit, 1));
	CHECK(credit.granted_events == 1001 && credit.granted_bytes == 70000);
}

static void
test_a_frame_without_events_needs_no_credit(void)
{
	Credit credit = {.sent_events = 5, .sent_bytes = 5};

	CHECK(credit_allows(&credit, 0));
}

/* Lost, late and doubled, as long as the last one comes. */
static void
test_grants_may_come_in_any_order(void)
{
	for (int round = 0; round < 1000; round++)
	{
		Credit credit = {0};
		uint64_t events[20] = {0};
		uint64_t bytes[20] = {0};

		for (int i = 1; i < 20; i++)
		{
			events[i] = events[i - 1] + chance_below(1000);
			bytes[i] = bytes[i - 1] + ((uint64_t) chance_below(1000) << 48);
		}
		for (int i = 0; i < 20; i++)
		{
			uint32_t which = chance_below(20);

			credit_grant(&credit, events[which], bytes[which]);
		}
		credit_grant(&credit, events[19], bytes[19]);
		credit_grant(&credit, events[3], bytes[3]);
		CHECK(credit.granted_events == events[19]);
		CHECK(credit.granted_bytes == bytes[19]);
	}
}

/* Random grants and frames: never more than one frame beyond what is granted. */
static void
test_credit_adds_up(void)
{
	Credit credit = {0};

	for (int i = 0; i < 100000; i++)
	{
		uint32_t n = chance_below(200);
		uint32_t size = chance_below(100000);
		Credit before = credit;

		if (credit_allows(&credit, n))
		{
			credit_spend(&credit, n, size);
			CHECK(n == 0 || (before.sent_events < credit.granted_events &&
							 before.sent_bytes < credit.granted_bytes));
			CHECK(credit.sent_events - before.sent_events == n);
			CHECK(credit.sent_bytes - before.sent_bytes == size);
		}
		else
			credit_grant(&credit, credit.granted_events + n,
						 credit.granted_bytes + size);
	}
	CHECK(credit.sent_events > 0 && credit.sent_bytes > 0);
}

static void
test_delays_double_up_to_the_limit(void)
{
	static const uint32_t steps[] = {200, 400, 800, 1600, 3200, 5000, 5000};
	Backoff backoff;

	for (int round = 0; round < 1000; round++)
	{
		backoff_init(&backoff, 200, 5000, 0);
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		{
			uint32_t delay = backoff_fail(&backoff, (uint32_t) chance());

			CHECK_THAT(delay >= steps[i] / 2 && delay <= steps[i],
					   "step %zu: %u ms", i, (unsigned int) delay);
		}
		CHECK(!backoff_is_open(&backoff));
	}
}

static void
test_delays_differ(void)
{
	Backoff backoff;
	uint32_t least = UINT32_MAX;
	uint32_t most = 0;

	for (int i = 0; i < 1000; i++)
	{
		uint32_t delay;

		backoff_init(&backoff, 1000, 30000, 10);
		delay = backoff_fail(&backoff, (uint32_t) chance());
		least = delay < least ? delay : least;
		most = delay > most ? delay : most;
	}
	CHECK(least < 550 && most > 950);
}

static void
test_the_circuit_opens_and_closes(void)
{
	Backoff backoff;

	backoff_init(&backoff, 1, 1000, 3);
	backoff_fail(&backoff, 0);
	backoff_fail(&backoff, 0);
	CHECK(!backoff_is_open(&backoff));
	CHECK(backoff_fail(&backoff, 0) == 500);
	CHECK(backoff_is_open(&backoff));
	backoff_reset(&backoff);
	CHECK(!backoff_is_open(&backoff));
	CHECK(backoff_fail(&backoff, 0) <= 1);
}

static void
test_odd_limits(void)
{
	Backoff backoff;

	backoff_init(&backoff, 0, 0, 0);
	CHECK(backoff_fail(&backoff, UINT32_MAX) <= 1);
	backoff_init(&backoff, 500, 100, 0);
	CHECK(backoff_fail(&backoff, UINT32_MAX) <= 500);
	backoff_init(&backoff, UINT32_MAX, UINT32_MAX, 0);
	for (int i = 0; i < 100; i++)
		CHECK(backoff_fail(&backoff, (uint32_t) chance()) >= UINT32_MAX / 2);
}

static void
test_a_connection_shrinks_when_it_is_quiet(void)
{
	Shrink shrink;

	shrink_init(&shrink, 0, 60);
	shrink_message(&shrink, 8 << 20, 100);
	CHECK(shrink_due(&shrink) == INT64_MAX);
	shrink_message(&shrink, (8 << 20) + 1, 100);
	CHECK(shrink_due(&shrink) == 160);
	shrink_message(&shrink, 1, 130);
	CHECK(shrink_due(&shrink) == 160);
	shrink_message(&shrink, 9 << 20, 150);
	CHECK(shrink_due(&shrink) == 210);
	shrink_closed(&shrink, true, 210);
	CHECK(shrink_due(&shrink) == INT64_MAX);

	/* Not again so soon, and not for what another loss has given back. */
	shrink_message(&shrink, 9 << 20, 220);
	CHECK(shrink_due(&shrink) == 810);
	shrink_closed(&shrink, false, 300);
	CHECK(shrink_due(&shrink) == INT64_MAX);
	shrink_message(&shrink, 9 << 20, 790);
	CHECK(shrink_due(&shrink) == 850);
}

static void
test_large_frames_that_are_wanted_are_kept(void)
{
	Shrink shrink;

	shrink_init(&shrink, 16 << 20, 60);
	shrink_message(&shrink, 32 << 20, 100);
	CHECK(shrink_due(&shrink) == INT64_MAX);
	shrink_message(&shrink, (32 << 20) + 1, 100);
	CHECK(shrink_due(&shrink) == 160);
	shrink_init(&shrink, 0, 0);
	shrink_message(&shrink, 1 << 30, 100);
	CHECK(shrink_due(&shrink) == INT64_MAX);
}

static void
messages(Gather *gather, int count, int64_t now)
{
	for (int i = 0; i < count; i++)
		gather_message(gather, now);
	gather_rest(gather, now);
}

static void
test_a_flood_is_read_once_in_a_millisecond(void)
{
	Gather gather = {0};

	messages(&gather, GATHER_FLOOD + 1, 100);
	CHECK(!gather_listens(&gather, 100));
	CHECK(gather_listens(&gather, 101));

	/* Whatever wakes the loop meanwhile does not put it off. */
	gather_rest(&gather, 101);
	CHECK(gather_listens(&gather, 101));
}

static void
test_less_than_a_flood_is_read_as_it_comes(void)
{
	Gather gather = {0};

	for (int64_t now = 100; now < 110; now++)
	{
		messages(&gather, GATHER_FLOOD, now);
		CHECK(gather_listens(&gather, now));
	}
	messages(&gather, 1, 109);
	CHECK(!gather_listens(&gather, 109));
}

int
main(void)
{
	test_credit_is_overdrawn_by_one_frame();
	test_a_frame_without_events_needs_no_credit();
	test_grants_may_come_in_any_order();
	test_credit_adds_up();
	test_delays_double_up_to_the_limit();
	test_delays_differ();
	test_the_circuit_opens_and_closes();
	test_odd_limits();
	test_a_connection_shrinks_when_it_is_quiet();
	test_large_frames_that_are_wanted_are_kept();
	test_a_flood_is_read_once_in_a_millisecond();
	test_less_than_a_flood_is_read_as_it_comes();
	return check_done();
}
