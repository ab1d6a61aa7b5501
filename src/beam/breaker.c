/*
 * breaker.c
 *		Whether a call may be tried at all; asked by state.c.
 */
#include "beam/breaker.h"

int64_t
breaker_wait(Breaker *breaker, uint32_t limit, int64_t pause_ms, int64_t now_ms)
{
	if (!breaker_is_open(breaker, limit))
		return 0;
	/* Not longer than a pause, in case that one was shortened meanwhile. */
	if (breaker->next_ms > now_ms + pause_ms)
		breaker->next_ms = now_ms + pause_ms;
	if (breaker->next_ms > now_ms)
		return breaker->next_ms - now_ms;
	breaker->next_ms = now_ms + pause_ms;
	return 0;
}

void
breaker_fail(Breaker *breaker, int64_t pause_ms, int64_t now_ms)
{
	if (breaker->failures < UINT32_MAX)
		breaker->failures++;
	breaker->next_ms = now_ms + pause_ms;
}

void
breaker_succeed(Breaker *breaker)
{
	breaker->failures = 0;
}
