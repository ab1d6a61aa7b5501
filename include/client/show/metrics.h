/*
 * metrics.h
 *		Reports about slots in the text format of Prometheus.
 */
#ifndef ETF_METRICS_H
#define ETF_METRICS_H

#include "client/base/consumer.h"
#include "client/base/strbuf.h"

/* What is known of a slot, by the keys of metrics.c. */
typedef struct SlotFields
{
	const char *slot;
	const Field *fields;
	size_t count;
} SlotFields;

/* A metric that no slot has is left out. */
extern void metrics_put(StrBuf *out, const SlotFields *slots, size_t count);

#endif
