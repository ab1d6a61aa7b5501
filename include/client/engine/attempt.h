/*
 * attempt.h
 *		An attempt at a stream: its begin, and what its failure leads to.
 */
#ifndef ETF_ATTEMPT_H
#define ETF_ATTEMPT_H

#include "client/engine/state.h"

extern void attempt_begin(Engine *engine);

/*
 * A connection failed or ended: stop, or wait and come back.  During a clean
 * stop it only means that there is less to do.
 */
extern void attempt_failed(Engine *engine, const Failure *failure);

/* No other attempt: the end, once the slot is settled. */
extern void attempt_abandon(Engine *engine, const Failure *failure);

/* Done, with whatever stands in "failure"; the last statistics are totals. */
extern void attempt_finish(Engine *engine);

#endif
