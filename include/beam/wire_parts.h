/*
 * wire_parts.h
 *		Between wire.c, wire_open.c and wire_io.c, the parts of a wire.
 */
#ifndef ETF_WIRE_PARTS_H
#define ETF_WIRE_PARTS_H

#include "beam/wire.h"

#define WIRE_BUFFER 8192

extern Wire *wire_new(const char *peer, WireDeadline deadline);

/* A socket of this family, and what is needed to wait for it; and back. */
extern void wire_attach(Wire *wire, int family);
extern void wire_detach(Wire *wire);

/*
 * Wait until the socket is ready for one of the events; false when something
 * else ended the wait.  An ERROR when the deadline has passed.
 */
extern bool wire_wait(Wire *wire, uint32 events);

/* Interrupts and the deadline, without a wait. */
extern void wire_check(const Wire *wire);

/* The socket is lost, for this reason or, with 0, because the peer closed. */
extern void wire_lose(Wire *wire, int error);

/* Raise the ERROR that says so. */
extern void wire_fail_closed(const Wire *wire);

/* The code of an error that is another one until the wire is ready. */
extern int wire_error_code(const Wire *wire, int when_ready);

#endif
