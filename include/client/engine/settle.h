/*
 * settle.h
 *		The slot left as it should be, where nothing streams any more.
 */
#ifndef ETF_SETTLE_H
#define ETF_SETTLE_H

#include "client/engine/state.h"

/* Does anything have to be settled first, over the control connection? */
extern bool settle_confirms(Engine *engine);
extern bool settle_drops(Engine *engine);

/* Ask for it, from "at" on.  False: out of memory. */
extern bool settle_send(Engine *engine, int64_t at);

/* Milliseconds that this, or the confirmation of a clean end, may take. */
static inline int64_t
settle_time(const Engine *engine)
{
	return (int64_t) engine->settings->stop_timeout / 2;
}

#endif
