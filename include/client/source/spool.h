/*
 * spool.h
 *		Transactions in progress, in files, until it is known how they end.
 *
 * A server with the option "streaming" sends a large transaction before it
 * ends.  Each is a file of its frames.  What a subtransaction did that was
 * rolled back is cut off: all of it stands behind the first frame that is
 * labeled with it, and nothing else does.  The rest is delivered by replay.c.
 *
 * A stream does not survive its connection: the server begins it anew, sends
 * the transaction whole, or never mentions it again.
 */
#ifndef ETF_SPOOL_H
#define ETF_SPOOL_H

#include "client/source/labels.h"
#include "common/frame/read.h"

/* Subtransactions that are known, of all streams: 24 MB, and 8 MB to find. */
#define SPOOL_LABELS_MAX (1u << 20)

typedef struct SpoolStream
{
	struct SpoolStream *next;
	uint32_t xid;
	int fd;
	uint64_t bytes;	   /* of the file */
	uint64_t events;   /* in it */
	uint64_t received; /* events, with those that were cut off */
	Labels labels;
} SpoolStream;

typedef struct Spool
{
	const char *dir;
	uint64_t limit;		  /* bytes of all files together */
	SpoolStream *streams; /* the one used last comes first */
	uint32_t count;		  /* of streams */
	uint32_t labels;	  /* of all */
	uint64_t bytes;		  /* of all */
	uint64_t written;	  /* to any, since the start */
	char error[512];	  /* see SpoolResult */
} Spool;

typedef enum SpoolResult
{
	SPOOL_KEPT,
	SPOOL_FULL, /* nothing can be kept any more; "error" says why */
	SPOOL_WRONG /* the server cannot have meant this; "error" says why */
} SpoolResult;

/* "dir" belongs to the caller; NULL: $TMPDIR, or /var/tmp. */
extern void spool_init(Spool *spool, const char *dir, uint64_t limit);

/* Forget everything: the connection is over. */
extern void spool_clear(Spool *spool);

/* A frame of kind FRAME_STREAM. */
extern SpoolResult spool_put(Spool *spool, const FrameHead *head,
							 const char *frame, size_t len);

/* One of kind FRAME_STREAM_ABORT: of what is not known there is nothing. */
extern SpoolResult spool_abort(Spool *spool, const FrameHead *head);

/* NULL: there is none of this transaction. */
extern SpoolStream *spool_find(Spool *spool, uint32_t xid);

extern void spool_drop(Spool *spool, SpoolStream *stream);

#endif
