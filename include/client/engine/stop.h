/*
 * stop.h
 *		A clean end: the last position confirmed, the stream ended.
 */
#ifndef ETF_STOP_H
#define ETF_STOP_H

#include "client/engine/state.h"

extern void stop_turn_confirming(Engine *engine, short revents);
extern void stop_turn_ending(Engine *engine, short revents);
extern void stop_turn_settling(Engine *engine, short revents);

/* The control connection has settled the slot, or cannot. */
extern void stop_settled(Engine *engine);
extern void stop_unsettled(Engine *engine);

#endif
