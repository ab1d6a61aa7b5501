/*
 * test_breaker.c
 *		When a call may be tried, and when a BEAM is started again.
 */
#include "beam/breaker.h"
#include "beam/restarts.h"

#include "check.h"

static void
fail_times(Breaker *breaker, int times)
{
	for (int i = 0; i < times; i++)
		breaker_fail(breaker, 1000, 0);
}

static void
test_the_breaker_opens_after_failures_in_a_row(void)
{
	Breaker breaker = {0};

	fail_times(&breaker, 4);
	CHECK(breaker_wait(&breaker, 5, 1000, 0) == 0);
	breaker_succeed(&breaker);
	fail_times(&breaker, 4);
	CHECK(breaker_wait(&breaker, 5, 1000, 0) == 0);
	fail_times(&breaker, 1);
	CHECK(breaker_wait(&breaker, 5, 1000, 0) == 1000);
	CHECK(breaker_wait(&breaker, 5, 1000, 400) == 600);
}

static void
test_one_caller_tries_after_the_pause(void)
{
	Breaker breaker = {0};

	fail_times(&breaker, 5);
	CHECK(breaker_wait(&breaker, 5, 1000, 999) == 1);
	CHECK(breaker_wait(&breaker, 5, 1000, 1000) == 0);
	CHECK(breaker_wait(&breaker, 5, 1000, 1000) == 1000);
	breaker_fail(&breaker, 1000, 1500);
	CHECK(breaker_wait(&breaker, 5, 1000, 2000) == 500);
	CHECK(breaker_wait(&breaker, 5, 1000, 2500) == 0);
	breaker_succeed(&breaker);
	for (int i = 0; i < 10; i++)
		CHECK(breaker_wait(&breaker, 5, 1000, 2500) == 0);
}

/* It never came back: a canceled call, a backend that was killed. */
static void
test_another_caller_tries_when_the_first_is_lost(void)
{
	Breaker breaker = {0};

	fail_times(&breaker, 5);
	CHECK(breaker_wait(&breaker, 5, 1000, 1000) == 0);
	CHECK(breaker_wait(&breaker, 5, 1000, 1999) == 1);
	CHECK(breaker_wait(&breaker, 5, 1000, 2000) == 0);
}

static void
test_a_limit_of_zero_never_opens(void)
{
	Breaker breaker = {0};

	fail_times(&breaker, 1000);
	CHECK(breaker_wait(&breaker, 0, 1000, 0) == 0);
	breaker.failures = UINT32_MAX;
	breaker_fail(&breaker, 1000, 0);
	CHECK(breaker.failures == UINT32_MAX);
}

static void
test_a_shorter_pause_counts_at_once(void)
{
	Breaker breaker = {0};

	breaker_fail(&breaker, 3600000, 0);
	CHECK(breaker_wait(&breaker, 1, 3600000, 0) == 3600000);
	CHECK(breaker_wait(&breaker, 1, 1000, 0) == 1000);
}

static void
test_pauses_grow_until_it_has_failed(void)
{
	Restarts restarts;
	int64_t now = 0;
	uint32_t step = 100;

	restarts_init(&restarts);
	for (int i = 0; i < 5; i++, step *= 2)
	{
		uint32_t pause = restarts_end(&restarts, 5, now, 10, chance());

		CHECK(pause >= step / 2 && pause <= step);
		CHECK(!restarts.failed);
		now += pause;
	}
	CHECK(restarts_end(&restarts, 5, now, 10, chance()) == 60000);
	CHECK(restarts.failed);
	/* A minute later the ends are few, but it still does not start. */
	CHECK(restarts_end(&restarts, 5, now + 60010, 10, chance()) == 60000);
	CHECK(restarts.failed);
	restarts_ready(&restarts);
	CHECK(!restarts.failed);
}

static void
test_a_minute_of_running_makes_the_pause_short(void)
{
	Restarts restarts;

	restarts_init(&restarts);
	for (int i = 0; i < 4; i++)
		restarts_end(&restarts, 5, i, 10, 0);
	CHECK(restarts_end(&restarts, 5, 70000, 65000, 0) == 50);
	CHECK(!restarts.failed);
}

static void
test_limits_at_the_edges(void)
{
	Restarts restarts;

	restarts_init(&restarts);
	CHECK(restarts_end(&restarts, 0, 0, 10, 0) == 60000);
	CHECK(restarts.failed);

	restarts_init(&restarts);
	for (int i = 0; i < RESTARTS_MAX_LIMIT; i++)
		restarts_end(&restarts, RESTARTS_MAX_LIMIT, i, 10, 0);
	CHECK(!restarts.failed);
	restarts_end(&restarts, RESTARTS_MAX_LIMIT, 1000, 10, 0);
	CHECK(restarts.failed);
}

int
main(void)
{
	test_the_breaker_opens_after_failures_in_a_row();
	test_one_caller_tries_after_the_pause();
	test_another_caller_tries_when_the_first_is_lost();
	test_a_limit_of_zero_never_opens();
	test_a_shorter_pause_counts_at_once();
	test_pauses_grow_until_it_has_failed();
	test_a_minute_of_running_makes_the_pause_short();
	test_limits_at_the_edges();
	return check_done();
}
