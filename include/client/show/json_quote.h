/*
 * json_quote.h
 *		A string of JSON.
 */
#ifndef ETF_JSON_QUOTE_H
#define ETF_JSON_QUOTE_H

#include "client/base/strbuf.h"

/* For text that has no control characters. */
extern void json_quote(StrBuf *out, const char *text);

#endif
