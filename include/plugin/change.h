/*
 * change.h
 *		What the server's callbacks deliver, as events.
 *
 * Each of these leaves session->change_context empty, however it returns.
 */
#ifndef ETF_CHANGE_H
#define ETF_CHANGE_H

#include "plugin/session.h"

extern void etf_change(EtfSession *session, Relation relation,
					   const ReorderBufferChange *change);
extern void etf_truncate(EtfSession *session, int nrelations,
						 Relation *relations,
						 const ReorderBufferChange *change);

/* One that is not transactional does not wait for a commit. */
extern void etf_message(EtfSession *session, bool transactional, XLogRecPtr lsn,
						const char *prefix, const char *content, Size size);

#endif
