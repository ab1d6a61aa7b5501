/*
 * visible.h
 *		Nothing is delivered that a new snapshot does not see yet.
 */
#ifndef ETF_VISIBLE_H
#define ETF_VISIBLE_H

#include "plugin/session.h"

/*
 * Wait until a transaction whose commit was decoded is visible to others: with
 * synchronous replication that can be long after its commit is in the WAL.
 */
extern void etf_await_visible(EtfSession *session, TransactionId xid);

#endif
