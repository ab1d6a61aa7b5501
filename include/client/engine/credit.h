/*
 * credit.h
 *		What the consumer is ready to take: events and bytes.
 *
 * Totals since the start of the program, on both sides of the pipe: how much
 * may have been sent, and how much was.  A grant that is lost, late or there
 * twice does no harm, and two accounts of one stream can be compared.
 *
 * A frame goes out while less was sent than granted, of both, and may overdraw
 * them: a frame is never split, and a row larger than the whole window must
 * still pass.
 */
#ifndef ETF_CREDIT_H
#define ETF_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Credit
{
	uint64_t granted_events;
	uint64_t granted_bytes;
	uint64_t sent_events;
	uint64_t sent_bytes; /* of packets with frames, without their length */
} Credit;

/* Totals only grow: an older grant that comes late takes nothing back. */
static inline void
credit_grant(Credit *credit, uint64_t events, uint64_t bytes)
{
	if (events > credit->granted_events)
		credit->granted_events = events;
	if (bytes > credit->granted_bytes)
		credit->granted_bytes = bytes;
}

/*
 * A frame without events costs no event, so it needs none: the end of a
 * transaction must not wait for demand that only this end can create.
 */
static inline bool
credit_allows(const Credit *credit, uint64_t events)
{
	return events == 0 || (credit->sent_events < credit->granted_events &&
						   credit->sent_bytes < credit->granted_bytes);
}

static inline void
credit_spend(Credit *credit, uint64_t events, uint64_t bytes)
{
	credit->sent_events += events;
	credit->sent_bytes += bytes;
}

#endif
