/*
 * backoff.c
 *		How long to wait before the next attempt.
 *
 * Asked by the client before it connects, and by the worker that runs a BEAM.
 */
#include "common/backoff.h"

void
backoff_init(Backoff *backoff, uint32_t min_ms, uint32_t max_ms,
			 uint32_t open_after)
{
	*backoff =
		(Backoff){.min_ms = min_ms, .max_ms = max_ms, .open_after = open_after};
	if (backoff->min_ms == 0)
		backoff->min_ms = 1;
	if (backoff->max_ms < backoff->min_ms)
		backoff->max_ms = backoff->min_ms;
}

/* min, 2 * min, 4 * min ... max, without ever overflowing. */
static uint32_t
step(const Backoff *backoff)
{
	uint64_t ms = backoff->min_ms;

	for (uint32_t i = 1; i < backoff->failures && ms < backoff->max_ms; i++)
		ms *= 2;
	return ms < backoff->max_ms ? (uint32_t) ms : backoff->max_ms;
}

uint32_t
backoff_fail(Backoff *backoff, uint32_t random)
{
	uint32_t half;

	if (backoff->failures < UINT32_MAX)
		backoff->failures++;
	half = backoff_is_open(backoff) ? backoff->max_ms / 2 : step(backoff) / 2;
	return half + random % (half + 1);
}

void
backoff_reset(Backoff *backoff)
{
	backoff->failures = 0;
}

bool
backoff_is_open(const Backoff *backoff)
{
	return backoff->open_after > 0 && backoff->failures >= backoff->open_after;
}
