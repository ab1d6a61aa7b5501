/*
 * tcp.h
 *		A connection before anything streams: each step has a time limit.
 *
 * "until" is a time of clock_ms().  What fails leaves its reason in errno;
 * ECONNRESET is also an end that came too early.
 */
#ifndef ETF_TCP_H
#define ETF_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -1: "what" says what went wrong, in words that never change. */
extern int tcp_open(const char *host, int port, int64_t until,
					const char **what);
extern bool tcp_read(int fd, void *bytes, size_t len, int64_t until);
extern bool tcp_write(int fd, const void *bytes, size_t len, int64_t until);

/* Close it so that the other side gets what was written, if it reads. */
extern void tcp_close(int fd, int64_t until);

#endif
