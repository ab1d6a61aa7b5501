/*
 * outbox.h
 *		Bytes on their way to a file descriptor that may not take them yet.
 *
 * A queue of memory blocks, each malloc()ed by somebody and owned by the
 * outbox from then on.  A frame goes from libpq to the pipe in the block that
 * libpq allocated; nothing is copied.
 */
#ifndef ETF_OUTBOX_H
#define ETF_OUTBOX_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/base/ring.h"

typedef struct OutboxChunk
{
	char *block;   /* what free() takes */
	size_t offset; /* of the first byte that was not written */
	size_t end;
} OutboxChunk;

typedef struct Outbox
{
	int fd;
	Ring chunks;	  /* OutboxChunk */
	uint64_t queued;  /* bytes ever put in */
	uint64_t written; /* bytes ever written */
	bool is_socket;	  /* said by its owner */
	bool failed;	  /* the reader has gone, or no memory: write no more */
	int error;		  /* errno of that */
} Outbox;

extern void outbox_init(Outbox *outbox, int fd);
extern void outbox_free(Outbox *outbox);

/* Queue bytes offset..end of a malloc()ed block, and own it. */
extern void outbox_put(Outbox *outbox, char *block, size_t offset, size_t end);

/* Write what can be written now.  False when the outbox has failed. */
extern bool outbox_write(Outbox *outbox);

/*
 * Has the reader gone?  A pipe says so by one error, a connection by many.
 */
static inline bool
outbox_has_no_reader(const Outbox *outbox)
{
	return outbox->failed && (outbox->error == EPIPE ||
							  (outbox->is_socket && outbox->error != ENOMEM));
}

static inline uint64_t
outbox_waiting(const Outbox *outbox)
{
	return outbox->failed ? 0 : outbox->queued - outbox->written;
}

#endif
