/*
 * hello.h
 *		Who is at the other end of a new connection to the sidecar?
 */
#ifndef ETF_HELLO_H
#define ETF_HELLO_H

#include "beam/state.h"
#include "beam/wire.h"

/* Whom each greeting names: other roles are named by their requests. */
extern Oid hello_user(void);

/*
 * Greet each other, after which the wire is ready; returns what the BEAM takes
 * at once.  "report" tells which process is expected.
 */
extern uint64 hello_exchange(Wire *wire, const SidecarReport *report);

#endif
