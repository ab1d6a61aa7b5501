/*
 * clock.c
 *		The time, in milliseconds.
 */
#include "client/base/clock.h"

#include <time.h>

static int64_t
read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t
clock_unix_ms(void)
{
	return (uint64_t) read_clock(CLOCK_REALTIME);
}
