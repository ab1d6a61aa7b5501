/*
 * spool_file.h
 *		A file without a name: records one after another, cut off at its end.
 *
 * Nobody else can open it, and nothing is left of it when the process has
 * ended, however it did.  All that fails leaves errno.
 */
#ifndef ETF_SPOOL_FILE_H
#define ETF_SPOOL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a record takes beyond its bytes: its length. */
#define SPOOL_RECORD_HEADER 4

/* A descriptor, or -1. */
extern int spool_file_open(const char *dir);

/* Write a record at "at". */
extern bool spool_file_put(int fd, uint64_t at, const void *bytes, size_t len);

/*
 * The record at "at" of a file that has "end" bytes: a malloc()ed block, in
 * which "room" bytes are free in front of it.  NULL: see errno.
 */
extern char *spool_file_read(int fd, uint64_t at, uint64_t end, size_t room,
							 size_t *len);

extern bool spool_file_cut(int fd, uint64_t at);

#endif
