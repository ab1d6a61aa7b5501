/*
 * txn.h
 *		Transactions as frames: when one is opened, cut and closed.
 *
 * change.c brackets each event:
 *
 *		etf_event_begin(session, txn);
 *		... encode one event into session->out ...
 *		etf_event_end(session);
 *
 * A frame is opened before the first event only, so a transaction without
 * events sends nothing.
 */
#ifndef ETF_TXN_H
#define ETF_TXN_H

#include "plugin/session.h"

extern void etf_txn_begin(EtfSession *session);
extern void etf_txn_commit(EtfSession *session, const ReorderBufferTXN *txn);

extern void etf_event_begin(EtfSession *session, const ReorderBufferTXN *txn);
extern void etf_event_end(EtfSession *session);

/* An event that is not a row: part of the list, but not counted. */
extern void etf_put_note(EtfSession *session, const char *event, int len);

/* A frame of its own, outside any transaction. */
extern void etf_frame_begin(EtfSession *session);
extern void etf_frame_end(EtfSession *session);

#endif
