/*
 * fields_json.h
 *		A report as an object of JSON.
 */
#ifndef ETF_FIELDS_JSON_H
#define ETF_FIELDS_JSON_H

#include "client/base/consumer.h"
#include "client/base/strbuf.h"

/* The atoms true, false and null are those of JSON, others are text. */
extern void fields_json(StrBuf *out, const Field *fields, size_t count);

#endif
