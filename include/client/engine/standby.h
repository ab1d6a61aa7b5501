/*
 * standby.h
 *		Standing by for a slot that another process reads.
 */
#ifndef ETF_STANDBY_H
#define ETF_STANDBY_H

#include "client/engine/state.h"

extern void standby_turn(Engine *engine, short revents);
extern void standby_turn_asking(Engine *engine, short revents);

/* The control connection, by which it waits, has been lost. */
extern void standby_control_lost(Engine *engine);

#endif
