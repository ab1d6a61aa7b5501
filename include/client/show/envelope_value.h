/*
 * envelope_value.h
 *		A value of a column, as Debezium's connector converts it.
 */
#ifndef ETF_ENVELOPE_VALUE_H
#define ETF_ENVELOPE_VALUE_H

#include "client/show/column_type.h"
#include "client/show/show_term.h"

extern bool envelope_put_value(Show *show, TermReader *reader,
							   const ColumnType *type);

/* Any text as a string of JSON, bytes as one in base64. */
extern bool envelope_put_text(Show *show, const char *text, size_t len);
extern void envelope_put_base64(StrBuf *out, const uint8_t *bytes, size_t len);

#endif
