/*
 * txn.h
 *		Transactions as frames: when one is opened, cut and closed.
 *
 * change.c brackets each event:
 *
 *		TermOut *out = etf_event_begin(session);
 *		... uncounted events, then one event, into "out" ...
 *		etf_event_end(session);
 *
 * A frame is opened before the first event only, so a transaction without
 * events sends nothing.
 */
#ifndef ETF_TXN_H
#define ETF_TXN_H

#include "plugin/session.h"

/*
 * One that comes in one piece, committed or prepared under "gid".  The catalogs
 * are read at its begin, not at its end.
 */
extern void etf_txn_begin(EtfSession *session, const ReorderBufferTXN *source,
						  const char *gid);
extern void etf_txn_end(EtfSession *session);

/* Of a transaction that does not begin here: where it comes from, and is. */
extern void etf_txn_find_origin(EtfSession *session, EtfTxn *txn,
								const ReorderBufferTXN *source);
extern void etf_txn_set_position(EtfTxn *txn, const ReorderBufferTXN *source);

/* #{gid => Gid, origin => Name, origin_lsn => Lsn}, those that apply */
extern void etf_put_meta(TermOut *out, const EtfTxn *txn);

/* Microseconds since 1970, as frames have it. */
extern int64 etf_unix_time(TimestampTz time);

/*
 * What an ERROR has left of the event before is dropped, and with it what the
 * reader may have been told of a table there: session->span ends.
 */
extern TermOut *etf_event_begin(EtfSession *session);
extern void etf_event_end(EtfSession *session);

/*
 * Likewise for a logical message.  The server takes it to be where its record
 * ends, which is where the next one begins: if that is of another
 * subtransaction, its events may have come first.  They come behind again.
 */
typedef struct EtfLate
{
	size_t at;		   /* where they are in the frame; 0: there are none */
	size_t start;	   /* where the message is then */
	char *events;	   /* those that were taken out of it, or NULL */
	size_t len;		   /* of these */
	uint32 count;	   /* likewise, as a FrameOut counts */
	uint32 terms;	   /* likewise */
	TransactionId xid; /* whose they are */
	uint64 span;	   /* in which their tables are described */
} EtfLate;

extern TermOut *etf_late_begin(EtfSession *session, EtfLate *late);

/* Behind the end of the message, counted or not. */
extern void etf_late_end(EtfSession *session, const EtfLate *late);

/* Send the open frame, if it has events, and forget what is left. */
extern void etf_txn_cut(EtfSession *session);

/* A message outside of any transaction, which is a frame of its own. */
extern TermOut *etf_message_begin(EtfSession *session, XLogRecPtr lsn);
extern void etf_message_end(EtfSession *session);

#endif
