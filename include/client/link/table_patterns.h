/*
 * table_patterns.h
 *		Which patterns of tables match nothing there is?
 *
 * A schema that was forgotten, or misspelled, would make a stream of nothing.
 */
#ifndef ETF_TABLES_H
#define ETF_TABLES_H

#include "client/base/strbuf.h"

/*
 * A query for those of "patterns", as in include_tables, that no table's name
 * matches now: a row for each, as it is written.
 */
extern void tables_build(const char *patterns, StrBuf *sql);

/*
 * A query for the tables that "include", without which there are none, matches
 * and "exclude" does not.  Columns: schema, name, and identity: may rows be
 * updated and deleted while a publication has them?
 */
extern void tables_build_matching(const char *include, const char *exclude,
								  StrBuf *sql);

#endif
