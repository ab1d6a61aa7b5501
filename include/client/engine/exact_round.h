/*
 * exact_round.h
 *		A round: a snapshot, the stream up to it, the reads, the stream again.
 */
#ifndef ETF_EXACT_ROUND_H
#define ETF_EXACT_ROUND_H

#include "client/engine/state.h"

/* The slot was made, and the stream's connection has the snapshot of it. */
extern void round_begin_with_slot(Engine *engine);

/* What the stage says is to be done. */
extern void round_turn(Engine *engine, const short *revents);

#endif
