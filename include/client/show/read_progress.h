/*
 * read_progress.h
 *		Lines on a terminal that say how far tables are read.
 */
#ifndef ETF_READ_PROGRESS_H
#define ETF_READ_PROGRESS_H

#include "client/base/consumer.h"
#include "client/base/strbuf.h"

/* More tables than this at a time are not shown. */
#define READ_PROGRESS_LINES 8

typedef struct ReadProgress
{
	StrBuf lines; /* that are to be shown next */
	int count;
} ReadProgress;

/* A table, as {backfill, progress, ..} has it. */
extern void read_progress_add(ReadProgress *progress, const Field *fields,
							  size_t count);

/* Show what was added since the last time, if anything was. */
extern void read_progress_show(ReadProgress *progress);

#endif
