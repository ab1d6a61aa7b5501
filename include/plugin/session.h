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

#include "plugin/out.h"

struct EtfRelationCache;

/* The transaction being sent; its frames are txn.c's. */
typedef struct EtfTxn
{
	bool open;	  /* a frame is being built in ctx->out */
	bool sent;	  /* a frame of this transaction has gone out */
	int64 index;  /* events of this transaction so far */
	uint32 count; /* row-level events in the open frame */
	uint32 terms; /* elements of its list: relation events, too */
	int start;	  /* offsets in ctx->out: the frame's first byte, ... */
	int part_at;
	int count_at;
	int length_at;
} EtfTxn;

typedef struct EtfSession
{
	LogicalDecodingContext *ctx;
	const EtfOptions *options;
	EtfOut out;							/* onto ctx->out */
	struct EtfRelationCache *relations; /* relation.c's */
	MemoryContext change_context; /* what encoding one event leaves behind */
	EtfTxn txn;
	uint64 frames; /* opened so far: tells frames apart */
	int skipped;   /* changes since the last sign of progress */
} EtfSession;

#endif
