/*
 * stream_setup.h
 *		The commands between a connection and its stream, one after another.
 */
#ifndef ETF_STREAM_SETUP_H
#define ETF_STREAM_SETUP_H

#include "client/link/stream_state.h"

extern StreamEvent stream_setup_begin(Stream *stream);
extern StreamEvent stream_setup_answer(Stream *stream);

/* After STREAM_CATALOGS, once the stream knows what to ask for. */
extern StreamEvent stream_setup_go_on(Stream *stream);

extern StreamEvent stream_setup_failed(Stream *stream);

#endif
