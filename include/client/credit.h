/*
 * credit.h
 *		What the consumer is ready to take: events and bytes.
 *
 * A frame goes out while both are left, and may overdraw them: a frame is
 * never split, and a row larger than the whole window must still pass.
 */
#ifndef ETF_CREDIT_H
#define ETF_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Credit
{
	int64_t events;
	int64_t bytes;
} Credit;

/* Far more than anybody can mean; keeps the sums from overflowing. */
#define CREDIT_MAX ((int64_t) 1 << 48)

static inline int64_t
credit_sum(int64_t left, uint64_t more)
{
	if (more >= (uint64_t) CREDIT_MAX || left + (int64_t) more >= CREDIT_MAX)
		return CREDIT_MAX;
	return left + (int64_t) more;
}

static inline void
credit_add(Credit *credit, uint64_t events, uint64_t bytes)
{
	credit->events = credit_sum(credit->events, events);
	credit->bytes = credit_sum(credit->bytes, bytes);
}

/*
 * A frame without events costs no event, so it needs none: the end of a
 * transaction must not wait for demand that only this end can create.
 */
static inline bool
credit_allows(const Credit *credit, uint64_t events)
{
	return events == 0 || (credit->events > 0 && credit->bytes > 0);
}

static inline void
credit_spend(Credit *credit, uint64_t events, uint64_t bytes)
{
	credit->events -= (int64_t) events;
	credit->bytes -= (int64_t) bytes;
}

#endif
