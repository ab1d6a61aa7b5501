/*
 * tables.h
 *		Which patterns of tables match nothing there is?
 *
 * A schema that was forgotten, or misspelt, would make a stream of nothing.
 */
#ifndef ETF_TABLES_H
#define ETF_TABLES_H

#include "client/strbuf.h"

/*
 * A query for those of "patterns", as in include_tables, that no table's name
 * matches now: a row for each, as it is written.
 */
extern void tables_build(const char *patterns, StrBuf *sql);

#endif
