/*
 * batch.h
 *		Frames that leave together, as one packet.
 *
 * Each costs what it makes the packet longer; the first pays for the list
 * around them.  So the costs add up to the length of the packets at any time,
 * be the batch open or closed: that is what credit is counted in.
 */
#ifndef ETF_BATCH_H
#define ETF_BATCH_H

#include "client/consumer/envelope.h"

#define BATCH_FRAMES 256

typedef struct Batch
{
	Outbox *outbox;
	const Envelope *envelope;
	OutboxChunk frames[BATCH_FRAMES]; /* terms without their version byte */
	uint32_t count;
	uint64_t bytes;
} Batch;

/* Add bytes offset..end of a malloc()ed block, and own it; returns the cost. */
extern size_t batch_add(Batch *batch, char *block, size_t offset, size_t end);

/* Put what has been collected into the outbox. */
extern void batch_close(Batch *batch);

#endif
