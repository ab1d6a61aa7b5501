/*
 * stream.h
 *		Transactions that are sent while they are in progress.
 *
 * The server decodes such a transaction in blocks, and between these any other.
 * Its savepoints may be rolled back later: the frame in which one begins is
 * labeled with its xid, so that a reader can drop it and all behind it.
 */
#ifndef ETF_STREAM_H
#define ETF_STREAM_H

#include "replication/output_plugin.h"

#include "plugin/session.h"

/* From the first block until what became of the transaction is known. */
typedef struct EtfStream
{
	EtfTxn txn;

	/* The event that comes next, and what it is part of. */
	TransactionId xid;
	ReorderBufferTXN *source; /* NULL: not known */
	bool cuts;				  /* it begins what was not shown yet */

	TransactionId shown; /* that of the event before */
} EtfStream;

extern void etf_stream_register(OutputPluginCallbacks *cb);

/* Heed the option: an ERROR where the server cannot stream. */
extern void etf_stream_startup(EtfSession *session, bool is_init);

/* {stream, ... up to Meta, of the frame that starts with the next event */
extern void etf_stream_put_head(EtfSession *session);

/* Must a frame begin with the next event?  Then: it is in a frame. */
static inline bool
etf_stream_cuts(const EtfSession *session)
{
	return session->stream != NULL && session->stream->cuts;
}

extern void etf_stream_mark(EtfStream *stream);

static inline void
etf_stream_show(EtfSession *session)
{
	if (session->stream != NULL)
		etf_stream_mark(session->stream);
}

#endif
