/*
 * inbox.h
 *		Packets from the BEAM: a length of four bytes, then that many bytes.
 *
 * Reads what has arrived and returns complete packets; the stream may be split
 * anywhere.  A length above the limit is refused before anything is allocated
 * for it.
 */
#ifndef ETF_INBOX_H
#define ETF_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Commands are small; the largest is a {start, Map} with its options. */
#define INBOX_PACKET_MAX (4u << 20)
#define INBOX_HEADER 4

typedef enum InboxResult
{
	INBOX_PACKET,
	INBOX_EMPTY, /* no whole packet yet */
	INBOX_TOO_LONG
} InboxResult;

typedef struct Inbox
{
	char *data;
	size_t start; /* of what was not given out yet */
	size_t end;
	size_t size;
	bool eof;
	bool failed; /* no memory, or a read error */
} Inbox;

extern void inbox_init(Inbox *inbox);
extern void inbox_free(Inbox *inbox);

/* Take over bytes.  Sets failed when there is no memory. */
extern void inbox_feed(Inbox *inbox, const void *bytes, size_t len);

/* Read once from a non-blocking descriptor. */
extern void inbox_read(Inbox *inbox, int fd);

/*
 * The next packet; it points into the inbox until the next call.  For
 * INBOX_TOO_LONG "len" is the length that was announced.
 */
extern InboxResult inbox_next(Inbox *inbox, const char **packet, size_t *len);

#endif
