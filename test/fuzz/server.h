/*
 * server.h
 *		As much of the server as the fuzz targets of the plugin need.
 *
 * server.c stands in for palloc(), ereport() and a few others: a backend per
 * input would be far too slow.  Each palloc() is a malloc(), so that the
 * address sanitizer sees its ends.
 */
#ifndef ETF_FUZZ_SERVER_H
#define ETF_FUZZ_SERVER_H

#include <stdbool.h>

extern int server_encoding;

/* Of the latest ERROR. */
extern int server_error_code;
extern bool server_error_hint;

/* Call it; false when it ended in an ERROR. */
extern bool server_call(void (*function)(void *arg), void *arg);

/* What was palloc'd and not freed; for the end of an input. */
extern void server_free_all(void);

#endif
