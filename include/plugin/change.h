/*
 * change.h
 *		What the server's callbacks deliver, as events.
 *
 * Each of these leaves session->change_context empty, however it returns.
 */
#ifndef ETF_CHANGE_H
#define ETF_CHANGE_H

#include "plugin/session.h"

extern void etf_change(EtfSession *session, const ReorderBufferTXN *txn,
					   Relation relation, const ReorderBufferChange *change);
extern void etf_truncate(EtfSession *session, const ReorderBufferTXN *txn,
						 int nrelations, Relation *relations,
						 const ReorderBufferChange *change);

/* "txn" is NULL for a message that does not wait for a commit. */
extern void etf_message(EtfSession *session, const ReorderBufferTXN *txn,
						XLogRecPtr lsn, const char *prefix, const char *content,
						Size size);

#endif
