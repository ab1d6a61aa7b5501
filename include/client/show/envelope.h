/*
 * envelope.h
 *		Changes as Debezium's connector for PostgreSQL sends them.
 *
 * As JsonConverter writes them without schemas, with decimal.handling.mode
 * string and everything else as it is by default; docs/print.md has it all.
 * The stream is to be in the compact dialect, with rows=tuple, numeric=text,
 * uuid=text, json=text and float4=shortest: what comes in another form is shown
 * as plain JSON.
 */
#ifndef ETF_ENVELOPE_H
#define ETF_ENVELOPE_H

#include "client/show/show_event.h"

/* A row: "op" is Debezium's letter. */
extern bool envelope_put_change(Event *event, const char *op, bool has_old,
								bool has_new);

/* {truncate, Rels, Flags} */
extern bool envelope_put_truncate(Event *event);

/* Prefix, Content */
extern bool envelope_put_message(Event *event);

#endif
