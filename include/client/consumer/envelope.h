/*
 * envelope.h
 *		What stands in front of each packet on its way to the BEAM.
 *
 * Behind a Port that is its length alone.  Between nodes a packet is a binary
 * in a message, so that the reader of packets is the same.
 */
#ifndef ETF_ENVELOPE_H
#define ETF_ENVELOPE_H

#include "client/consumer/outbox.h"

/* Two identifiers, two atoms, and what holds them together. */
#define ENVELOPE_MAX 2048

/* All of a message between its length and that of the binary, which ends it. */
typedef struct Envelope
{
	size_t len; /* 0: a Port's */
	char bytes[ENVELOPE_MAX];
} Envelope;

/*
 * Put the first block of a packet, of "len" bytes, and own it.  It begins with
 * the length of the packet, however many blocks follow.
 */
extern void envelope_put(Outbox *outbox, const Envelope *envelope, char *block,
						 size_t len);

#endif
