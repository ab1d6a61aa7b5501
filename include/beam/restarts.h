/*
 * restarts.h
 *		When to start the BEAM again that has ended.
 *
 * With growing pauses; after a minute of running the first one is short again.
 * More ends than "limit" within a minute: it has failed, and there is one
 * attempt a minute, for good: what makes it fail may be mended.  Pure: no
 * clock, and the random number comes from the caller.
 */
#ifndef ETF_RESTARTS_H
#define ETF_RESTARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/backoff.h"

#define RESTARTS_MINUTE_MS 60000
#define RESTARTS_MAX_LIMIT 1000

typedef struct Restarts
{
	Backoff backoff;
	int64_t ends[RESTARTS_MAX_LIMIT + 1]; /* the latest ones, as a ring */
	uint32_t count;						  /* of all ends */
	bool failed;
} Restarts;

extern void restarts_init(Restarts *restarts);

/* It has ended, after so long: milliseconds until the next start. */
extern uint32_t restarts_end(Restarts *restarts, uint32_t limit, int64_t now_ms,
							 int64_t up_ms, uint32_t random);

/* It is there. */
extern void restarts_ready(Restarts *restarts);

#endif
