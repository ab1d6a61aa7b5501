/*
 * identity.h
 *		Is this the server, and the history, that the consumer knows?
 *
 * Positions mean something in one database cluster, and within it only up to
 * where the timelines part.  Two steps of the set-up (see stream_setup.c) and
 * a question at its slot: each check looks at the answer of its command, and
 * says in db.failure why the stream must not start.
 */
#ifndef ETF_IDENTITY_H
#define ETF_IDENTITY_H

#include "client/base/strbuf.h"
#include "client/link/stream_state.h"

/* Which cluster, on which timeline?  The first one that answers is it. */
extern void identity_build(const Stream *stream, StrBuf *sql);
extern bool identity_check(Stream *stream);

/*
 * Is the server on another timeline than what the consumer was given?  Then
 * its history shows whether it had that, too.
 */
extern bool identity_timeline_differs(const Stream *stream);
extern void identity_build_history(const Stream *stream, StrBuf *sql);
extern bool identity_check_history(Stream *stream);

/*
 * What this process has read cannot be had on this standby.  That passes: it is
 * promoted, or the connection leads to the primary again.
 */
extern bool identity_refuse_standby(Stream *stream);

/* The failure of a consumer that stores nothing, and whose slot is another. */
extern void identity_set_anew(Failure *failure, const char *slot);

/* Has the server what the consumer has, and the slot all that follows? */
extern bool identity_check_position(Stream *stream);

#endif
