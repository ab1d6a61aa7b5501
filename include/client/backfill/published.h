/*
 * published.h
 *		Tables as the publications of a stream have them, to be copied.
 *
 * In place of the functions of our extension: what etf_tables() and etf_read()
 * know, the client knows here, and COPY brings the rows.
 *
 *		published_begin(&published, settings, version, raw, &failure)
 *		published_take_columns(), of published_put_columns()
 *		published_take_catalogs(), of published_put_types()
 *		for each range: published_put_read(), and a COPY of published_source()
 */
#ifndef ETF_PUBLISHED_H
#define ETF_PUBLISHED_H

#include "client/backfill/backfill_reader.h"
#include "client/backfill/backfill_state.h"
#include "client/base/oidmap.h"
#include "client/source/plans.h"

typedef struct Published
{
	EtfOptions options;
	int format;	   /* of the settings */
	bool text;	   /* all values are */
	OidMap tables; /* PublishedTable, see published.c */
	Catalog catalog;
	Plans plans;
	PlanContext context;
} Published;

/*
 * Before a snapshot is planned.  "text": the stream had to be; "raw": texts are
 * as the server has them.  False: the settings ask for what cannot be had.
 */
extern bool published_begin(Published *published, const Settings *settings,
							int server_version, bool text, bool raw,
							Failure *failure);
extern void published_free(Published *published);

/* Is this table one of the stream, and one that the patterns (NULL: all) match? */
extern bool published_wants(const Published *published, const char *patterns,
							const char *schema, const char *name);

extern void published_take_columns(Published *published,
								   const PGresult *result);
extern bool published_take_catalogs(Published *published,
									const PGresult *result, Failure *failure);

/*
 * The statement that reads some blocks (0: up to the end) under a snapshot.  What
 * it reads is as was planned, or the column "same" in front of it is not true.
 */
extern void published_put_read(const Published *published,
							   const BackfillTable *table, BlockRange range,
							   const char *snapshot, StrBuf *sql);
extern bool published_source(Published *published, uint32_t oid,
							 CopySource *source);

/* A statement that fails if the condition cannot be one of this table. */
extern void published_put_check(const BackfillTable *table, const char *where,
								StrBuf *sql);

/* A table with a value that cannot be read, once; see source_unread(). */
extern bool published_unread(Published *published, uint32_t oid, char *text,
							 size_t size);

#endif
