/*
 * connect.h
 *		A stream on its way: connection, set-up, and its first moment.
 */
#ifndef ETF_CONNECT_H
#define ETF_CONNECT_H

#include "client/engine/state.h"

extern void connect_turn(Engine *engine, short revents);

/* The source has what it asked for. */
extern void connect_go_on(Engine *engine);

#endif
