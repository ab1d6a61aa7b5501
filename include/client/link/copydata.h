/*
 * copydata.h
 *		Messages of the streaming replication protocol: bytes only.
 *
 * Inside CopyData, 'w' carries a frame and 'k' is a keepalive, both from the
 * server; 'r' is a status update, to it.
 */
#ifndef ETF_COPYDATA_H
#define ETF_COPYDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum CopyKind
{
	COPY_FRAME,
	COPY_KEEPALIVE
} CopyKind;

typedef struct CopyMessage
{
	CopyKind kind;
	uint64_t wal_end;	  /* keepalive: how far the server has decoded */
	bool reply_requested; /* keepalive */
	size_t payload;		  /* frame: offset of its first byte */
} CopyMessage;

/* False: not a message of this protocol. */
extern bool copy_read(const char *data, size_t len, CopyMessage *message);

#define COPY_STATUS_SIZE 34

/* "clock" in microseconds since 2000-01-01 UTC */
extern void copy_status(char data[COPY_STATUS_SIZE], uint64_t written,
						uint64_t flushed, int64_t clock, bool reply_requested);

#endif
