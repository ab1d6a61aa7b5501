/*
 * pg_text.h
 *		Values as PostgreSQL's output functions write them.
 *
 * Of terms in the compact dialect.  False: the term is not such a value; the
 * reader is then anywhere within it.
 */
#ifndef ETF_PG_TEXT_H
#define ETF_PG_TEXT_H

#include "client/base/strbuf.h"
#include "client/show/column_type.h"

/* {Bytes, Netmask}; 6 or 8 bytes; a list of {Word, Positions} */
extern bool pg_text_inet(TermReader *reader, StrBuf *text);
extern bool pg_text_macaddr(TermReader *reader, StrBuf *text);
extern bool pg_text_tsvector(TermReader *reader, StrBuf *text);

/* {Lower, Upper, Flags}, of bounds of a type; a list of them */
extern bool pg_text_range(TermReader *reader, const ColumnType *bound,
						  StrBuf *text);
extern bool pg_text_multirange(TermReader *reader, const ColumnType *bound,
							   StrBuf *text);

/* Days, or microseconds, since 1970; ISO 8601 with so many digits. */
extern void pg_text_date(int64_t days, StrBuf *text);
extern void pg_text_time(int64_t usecs, int digits, StrBuf *text);

/* As many digits as there have to be. */
extern int pg_text_digits(int64_t usecs);

#endif
