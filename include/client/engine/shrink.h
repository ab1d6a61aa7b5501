/*
 * shrink.h
 *		When to reconnect only to release memory.
 *
 * libpq keeps a buffer as large as the largest message until the connection
 * ends.  A new one costs the server: it decodes again from the start of the
 * oldest transaction that was open.  So this is done after a time without such
 * a message, and seldom.  Pure: no clock.
 */
#ifndef ETF_SHRINK_H
#define ETF_SHRINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Shrink
{
	size_t limit;	 /* a message above it is not kept for ever */
	int64_t after;	 /* milliseconds without such a message; 0: never */
	int64_t last;	 /* when there was one on this connection; 0: not yet */
	int64_t done_at; /* 0: not yet */
} Shrink;

/* Frames of up to "frame_bytes" are what the user wants, and will recur. */
extern void shrink_init(Shrink *shrink, size_t frame_bytes, int64_t after);

extern void shrink_message(Shrink *shrink, size_t len, int64_t now);

/* When it is time; INT64_MAX: there is nothing to give back. */
extern int64_t shrink_due(const Shrink *shrink);

/* The connection was closed; "for_this": for no other reason. */
extern void shrink_closed(Shrink *shrink, bool for_this, int64_t now);

#endif
