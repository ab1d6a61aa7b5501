/*
 * message.h
 *		What we and a registered process say to each other: the bytes alone.
 *
 * {pg_etf, Pid, Packet} to it, {pg_etf, Packet} from it.  All our pids have
 * the number MESSAGE_PID, and that of the dialog as their serial.
 */
#ifndef ETF_MESSAGE_H
#define ETF_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/consumer/envelope.h"
#include "common/dist/control.h"

#define MESSAGE_PID 1

typedef struct Sender
{
	const char *node; /* our own name */
	uint32_t creation;
	uint32_t dialog;
} Sender;

/* What stands in front of a packet to "process". */
extern void message_envelope(Envelope *envelope, const Sender *sender,
							 const char *process);

/* Monitor "process": DIST_CONTROL_MAX bytes at most. */
extern size_t message_monitor(uint8_t *out, const Sender *sender,
							  const char *process);

/* Is it for this dialog? */
extern bool message_is_ours(const DistControl *control, uint32_t dialog);

/* False: it is not {pg_etf, Packet}. */
extern bool message_read(DistTerm message, DistTerm *packet);

#endif
