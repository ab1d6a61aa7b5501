/*
 * backoff.h
 *		How long to wait before the next attempt.
 *
 * Exponential with jitter: between half of the step and all of it, so that
 * many clients of one server do not come back together.  After a number of
 * failures in a row the circuit is open: attempts go on, at the longest
 * interval, and the consumer is told.  Pure: no clock, and the random number
 * comes from the caller.
 */
#ifndef ETF_BACKOFF_H
#define ETF_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Backoff
{
	uint32_t min_ms;
	uint32_t max_ms;
	uint32_t open_after; /* failures; 0: the circuit never opens */
	uint32_t failures;	 /* in a row */
} Backoff;

extern void backoff_init(Backoff *backoff, uint32_t min_ms, uint32_t max_ms,
						 uint32_t open_after);

/* Count a failure; returns the milliseconds to wait. */
extern uint32_t backoff_fail(Backoff *backoff, uint32_t random);

/* Progress was made: the next failure is the first one again. */
extern void backoff_reset(Backoff *backoff);

extern bool backoff_is_open(const Backoff *backoff);

#endif
