/*
 * beam.h
 *		A consumer that speaks docs/port.md, whatever carries the packets.
 *
 * port.c and node.c own one each and bring the descriptors.
 */
#ifndef ETF_BEAM_H
#define ETF_BEAM_H

#include "client/consumer/batch.h"
#include "client/consumer/inbox.h"
#include "client/consumer/loop.h"

typedef struct Beam
{
	Consumer consumer; /* first, so that one pointer is both */
	Engine engine;
	Settings settings;
	Inbox inbox;
	Outbox outbox;
	Envelope envelope;
	Batch batch;
} Beam;

/* The settings are initialized by the caller; packets leave through "fd". */
extern void beam_init(Beam *beam, int fd);
extern void beam_free(Beam *beam);

/* Put a packet of event.c, behind the frames that came before it. */
extern void beam_put(Beam *beam, char *packet, size_t len);

/*
 * Read what has arrived, and hand each packet to "take".  False: there will be
 * no more of them.
 */
extern bool beam_read(Beam *beam, int fd,
					  void (*take)(Beam *beam, const char *packet, size_t len));

/* Obey a packet. */
extern void beam_obey(Beam *beam, const char *packet, size_t len);

#endif
