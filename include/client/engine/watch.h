/*
 * watch.h
 *		Silence, stalls, and what the control connection reports.
 */
#ifndef ETF_WATCH_H
#define ETF_WATCH_H

#include "client/engine/state.h"

extern void watch_stream(Engine *engine);
extern void watch_control(Engine *engine, short revents);

/* Reconnect to release memory, when nothing would be repeated. */
extern void watch_memory(Engine *engine);

#endif
