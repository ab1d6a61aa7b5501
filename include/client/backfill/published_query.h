/*
 * published_query.h
 *		What the publications of a stream have, as whoever copies it asks.
 *
 * For sessions that are pinned to pg_catalog.  "names" are as in option
 * publication_names; what they have is as of the transaction's snapshot.
 */
#ifndef ETF_PUBLISHED_QUERY_H
#define ETF_PUBLISHED_QUERY_H

#include "client/base/strbuf.h"

/*
 * A part of WITH RECURSIVE: each table that has rows (oid), as itself (relid,
 * level 0) and as each of its ancestors.
 */
extern void published_put_levels(int server_version, StrBuf *sql);

/*
 * The tables, with the columns that plan_take() wants and those of the table
 * that they are told as: told_schema, told_name.  With "snapshot" as of it, as
 * plan_build() does.
 */
extern void published_put_plan(const char *names, int server_version,
							   const char *snapshot, StrBuf *sql);

/*
 * The columns: relid, told_as, schema, name, identity (of what it is told as),
 * filter, column, typid, typmod, key; a table without columns has NULLs.
 */
extern void published_put_columns(const char *names, int server_version,
								  StrBuf *sql);

/* All that is to be known of their types, for catalog_take(). */
extern void published_put_types(const char *names, int server_version,
								StrBuf *sql);

#endif
