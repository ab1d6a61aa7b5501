/*
 * encoding.h
 *		Text of the server encoding as UTF-8.
 */
#ifndef ETF_ENCODING_H
#define ETF_ENCODING_H

#include "mb/pg_wchar.h"

/* Whether the server's text goes out as it is. */
static inline bool
etf_text_is_utf8(void)
{
	int encoding = GetDatabaseEncoding();

	return encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
}

/*
 * The same text as UTF-8, its length in *len: "text" itself where nothing
 * needs to change (ASCII, a UTF-8 or SQL_ASCII database), else a copy in the
 * current memory context.  NULL if some character has no UTF-8 form; *len
 * then stands as it was.  Raises no ERROR for any text.
 */
extern const char *etf_to_utf8(const char *text, Size *len);

#endif
