/*
 * event.h
 *		Events that are not rows of a table.
 */
#ifndef ETF_FRAME_EVENT_H
#define ETF_FRAME_EVENT_H

#include "common/term/write.h"

/* {truncate, [Rel], Flags} */
extern void etf_put_truncate(TermOut *out, const uint32_t *relids, int count,
							 bool cascade, bool restart);

/* Prefix and Content of a message, which is a text of the host and bytes. */
extern void etf_put_message(TermOut *out, const char *prefix,
							const char *content, size_t size);

#endif
