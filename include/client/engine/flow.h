/*
 * flow.h
 *		The way of a frame, and of a keepalive, while there is credit.
 */
#ifndef ETF_FLOW_H
#define ETF_FLOW_H

#include "client/engine/state.h"

extern void flow_turn(Engine *engine, bool readable);

/* May the frame that is held, or any, go to the consumer now? */
extern bool flow_may_deliver(const Engine *engine);

/* Is a frame held that waits for the consumer's wish, not only for room? */
extern bool flow_is_unwanted(const Engine *engine);

#endif
