/*
 * gather.h
 *		When to read a flood of small messages: once in a millisecond.
 *
 * Such are the rows of pgoutput, each sent by itself.  A reader that waits for
 * each of them wakes up for one or two at a time, and the server has to wake
 * it; that was a third of what both needed over TLS.
 */
#ifndef ETF_GATHER_H
#define ETF_GATHER_H

#include <stdbool.h>
#include <stdint.h>

/* Up to so many in a millisecond are read as they come. */
#define GATHER_FLOOD 16

typedef struct Gather
{
	int64_t now;
	unsigned messages; /* that came "now" */
	int64_t listen_at; /* nothing is read before */
} Gather;

extern void gather_message(Gather *gather, int64_t now);

/* Nothing more is there.  In a flood the next millisecond is waited for. */
extern void gather_rest(Gather *gather, int64_t now);

static inline bool
gather_listens(const Gather *gather, int64_t now)
{
	return now >= gather->listen_at;
}

#endif
