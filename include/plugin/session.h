/*
 * session.h
 *		One decoding session: from startup to the end of its context.
 *
 * Everything lives in ctx->context, which is freed with the session, also
 * after an ERROR, when no callback of ours is called.
 */
#ifndef ETF_SESSION_H
#define ETF_SESSION_H

#include "replication/logical.h"
#include "utils/memutils.h"
#include "utils/snapshot.h"

#include "common/frame/write.h"
#include "plugin/host.h"
#include "plugin/options.h"

struct EtfAltered;
struct EtfPlanCache;
struct EtfStream;

/*
 * A transaction whose events are sent.  It does not depend on the open frame,
 * so that transactions which are sent in turns can each keep theirs.
 */
typedef struct EtfTxn
{
	FrameTx tx;
	const char *gid;	   /* the server's, of one that is prepared; or NULL */
	char *origin;		   /* the server that it comes from; or NULL */
	XLogRecPtr origin_lsn; /* where it was there */
} EtfTxn;

typedef struct EtfSession
{
	LogicalDecodingContext *ctx; /* NULL: rows are read, nothing is decoded */
	MemoryContext context;		 /* lasts as long as the session */
	Snapshot snapshot; /* of one who reads rows: publications are as it sees */
	const EtfOptions *options;
	struct EtfPlanCache *plans; /* relation.c's */
	List *missing;				/* names of publications that were warned of */
	MemoryContext change_context; /* what encoding one event leaves behind */
	FrameOut frame;				  /* onto ctx->out */
	EtfTxn whole;				  /* the one that comes in one piece */
	EtfTxn *txn;				  /* whose events come: that, or a stream's */
	struct EtfStream *stream;	  /* whose block it is, or NULL */
	uint64 span;				  /* in which each table is described once */
	XLogRecPtr lsn;				  /* of what is decoded now */
	XLogRecPtr record_lsn;		  /* of the last event; where the events ... */
	size_t record_at;			  /* ... from there begin in the open frame */
	struct EtfAltered *altered;	  /* schema.c's, of this transaction */
	int naltered;
	MemoryContext altered_context;
	int skipped; /* changes since the last sign of progress */
} EtfSession;

/*
 * Around what a callback does outside of a transaction, where the current
 * memory context may be one that is never reset.
 */
static inline MemoryContext
etf_session_enter(EtfSession *session)
{
	return MemoryContextSwitchTo(session->change_context);
}

static inline void
etf_session_leave(EtfSession *session, MemoryContext caller)
{
	MemoryContextSwitchTo(caller);
	MemoryContextReset(session->change_context);
}

#endif
