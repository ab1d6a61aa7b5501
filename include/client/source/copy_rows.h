/*
 * copy_rows.h
 *		Rows of COPY in binary format, as frames of what was read.
 *
 *		copy_rows_begin(&rows, ..);
 *		for each message of the COPY:
 *			switch (copy_rows_take(&rows, bytes, len))
 *				COPIED_FULL: a frame is ready, see copy_rows_frame()
 *				COPIED_END: so it is, unless it has no rows; then
 *					copy_rows_end()
 *
 * The frames are those that etf_read() would write, and are cut by its rule.
 */
#ifndef ETF_COPY_ROWS_H
#define ETF_COPY_ROWS_H

#include "client/source/plan.h"
#include "common/frame/write.h"

/* What the rows are of, and how their columns come: kept by the caller. */
typedef struct CopySource
{
	const EtfOptions *options;
	const TermHost *host;
	Plan *plan;
	const char *formats; /* a WireFormat for each column */
} CopySource;

typedef struct CopyRows
{
	CopySource source;
	char *tag; /* a term, without a version byte */
	size_t tag_len;
	FrameOut frame;
	bool begun; /* COPY's header has come */
	bool told;	/* the table was described */
	bool ended; /* all rows have come */
	uint64_t rows;
	uint64_t bytes;
} CopyRows;

typedef enum Copied
{
	COPIED_ROW,
	COPIED_FULL,	/* a frame is to be taken */
	COPIED_END,		/* the last row had come */
	COPIED_CHANGED, /* a composite has other fields than are known */
	COPIED_BAD		/* not what such a COPY has */
} Copied;

/* One that is all zeros may be freed, too.  The tag is copied. */
extern void copy_rows_begin(CopyRows *rows, const CopySource *source,
							const void *tag, size_t tag_len);
extern void copy_rows_free(CopyRows *rows);

extern Copied copy_rows_take(CopyRows *rows, const char *bytes, size_t len);

/* Is there a frame with rows?  It becomes the caller's, to be free()d. */
extern bool copy_rows_has_frame(const CopyRows *rows);
extern char *copy_rows_frame(CopyRows *rows, size_t *len);

/* {read_end, Tag, #{rows, bytes, more => false}} */
extern char *copy_rows_end(CopyRows *rows, size_t *len);

#endif
