/*
 * stream_slot.h
 *		The set-up's look at the slot.
 */
#ifndef ETF_STREAM_SLOT_H
#define ETF_STREAM_SLOT_H

#include "client/base/strbuf.h"
#include "client/link/stream_state.h"

extern void stream_slot_build(const Stream *stream, StrBuf *sql);

/*
 * False: see db.failure.  A slot that is not there and may be made leaves
 * "confirmed" 0.
 */
extern bool stream_slot_check(Stream *stream);

#endif
