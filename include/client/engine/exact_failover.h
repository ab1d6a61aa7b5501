/*
 * exact_failover.h
 *		What of an exact backfill a failover has lost.
 */
#ifndef ETF_EXACT_FAILOVER_H
#define ETF_EXACT_FAILOVER_H

#include "client/engine/state.h"

/*
 * Between rounds: if what is done is of another timeline than the stream, ask
 * what became of that one (EXACT_COMPARING).  True: it is so, or what is done
 * is of another cluster and the backfill was refused.
 */
extern bool failover_begin(Engine *engine);

/* Tables that were read from behind its end begin anew. */
extern void failover_turn(Engine *engine, short revents);

#endif
