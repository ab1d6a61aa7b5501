/*
 * restarts.c
 *		When to start the BEAM again that has ended; asked by supervisor.c.
 */
#include "beam/restarts.h"

#define MIN_PAUSE_MS 100
#define MAX_PAUSE_MS 30000

#define PLACES (RESTARTS_MAX_LIMIT + 1)

void
restarts_init(Restarts *restarts)
{
	restarts->count = 0;
	restarts->failed = false;
	backoff_init(&restarts->backoff, MIN_PAUSE_MS, MAX_PAUSE_MS, 0);
}

/* Are the latest limit + 1 ends, this one included, all of one minute? */
static bool
too_many(const Restarts *restarts, uint32_t limit, int64_t now_ms)
{
	if (limit > RESTARTS_MAX_LIMIT || restarts->count <= limit)
		return false;
	return restarts->ends[(restarts->count - 1 - limit) % PLACES] >
		   now_ms - RESTARTS_MINUTE_MS;
}

uint32_t
restarts_end(Restarts *restarts, uint32_t limit, int64_t now_ms, int64_t up_ms,
			 uint32_t random)
{
	restarts->ends[restarts->count++ % PLACES] = now_ms;
	if (up_ms >= RESTARTS_MINUTE_MS)
		backoff_reset(&restarts->backoff);
	/* One attempt a minute is not too many, but no sign of health either. */
	if (too_many(restarts, limit, now_ms))
		restarts->failed = true;
	if (restarts->failed)
		return RESTARTS_MINUTE_MS;
	return backoff_fail(&restarts->backoff, random);
}

void
restarts_ready(Restarts *restarts)
{
	restarts->failed = false;
}
