/*
 * status.h
 *		When to send a status update to the server, and with what.
 */
#ifndef ETF_STATUS_H
#define ETF_STATUS_H

#include "client/engine/state.h"

extern void status_send(Engine *engine, bool reply_requested);

/*
 * Once a turn.  An answer is asked for at each interval: that is how a dead
 * peer is seen.  The next update does not wait for the answer to wake us.
 */
extern void status_turn(Engine *engine);

#endif
