/*
 * table_patterns.h
 *		Which patterns of tables and columns match nothing there is?
 *
 * A schema that was forgotten, or misspelled, would make a stream of nothing; a
 * column that was, is sent although it should not be.
 */
#ifndef ETF_TABLES_H
#define ETF_TABLES_H

#include "client/base/pairs.h"
#include "client/base/strbuf.h"

/* Do any options name tables to take, or columns? */
extern bool tables_are_named(const PairList *options);

/*
 * A query for the patterns of these options that match nothing now.  Columns:
 * option, pattern (as it is written).
 */
extern void tables_build(const PairList *options, StrBuf *sql);

/*
 * A query for the tables that "include", without which there are none, matches
 * and "exclude" does not.  Columns: schema, name, and identity: may rows be
 * updated and deleted while a publication has them?
 */
extern void tables_build_matching(const char *include, const char *exclude,
								  StrBuf *sql);

#endif
