/*
 * link.h
 *		The connection of this backend to the sidecar.
 *
 * One for each backend, made when it is first needed and kept.
 */
#ifndef ETF_LINK_H
#define ETF_LINK_H

#include "beam/wire.h"

/* 57P03 while connections have failed too often to be tried at once. */
extern void link_check_breaker(void);

/*
 * A wire on which nothing is due, for use until the next call of one of these.
 * 57P03 or 08001 where there is none to be had.
 */
extern Wire *link_get(WireDeadline deadline);

/* The longest packet that both ends accept, of the present wire. */
extern uint64 link_max_bytes(void);

/*
 * Send what was asked for behind a commit, on the wire that link_get gave:
 * without an ERROR or a wait.  The answer is looked at before the next
 * request; "id" is that of the request.
 */
extern bool link_push_late(const char *bytes, size_t len, int64 id);

/*
 * Reading rows may call a function of the sidecar, for a domain's check
 * perhaps: it has a wire of its own.  Both around each request, also one that
 * fails: what was set aside comes back, and a wire that is left busy is
 * closed.  An ERROR that is the answer leaves it as it is.
 */
extern Wire *link_set_aside(void);
extern void link_restore(Wire *outer);

#endif
