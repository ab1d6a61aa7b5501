/*
 * breaker.h
 *		Whether a call may be tried at all.
 *
 * After "limit" failures in a row the breaker is open: calls are refused at
 * once, for "pause_ms".  Then one caller may try (half open) while the others
 * are still refused; what becomes of it decides.  Pure: no clock, no lock; who
 * shares one brings the lock.
 */
#ifndef ETF_BREAKER_H
#define ETF_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Breaker
{
	uint32_t failures; /* in a row */
	int64_t next_ms;   /* when the next attempt may be made, while open */
} Breaker;

/* A limit of 0: never. */
static inline bool
breaker_is_open(const Breaker *breaker, uint32_t limit)
{
	return limit > 0 && breaker->failures >= limit;
}

/*
 * 0: go on; else the milliseconds until somebody may try.  Who is let through
 * an open breaker is the one that tries, and has this pause to come back.
 */
extern int64_t breaker_wait(Breaker *breaker, uint32_t limit, int64_t pause_ms,
							int64_t now_ms);

extern void breaker_fail(Breaker *breaker, int64_t pause_ms, int64_t now_ms);

extern void breaker_succeed(Breaker *breaker);

#endif
