/*
 * exact_ranges.h
 *		Which ranges of a round are left, given out, handled.
 */
#ifndef ETF_EXACT_RANGES_H
#define ETF_EXACT_RANGES_H

#include "client/engine/state.h"

/*
 * The tables of the state, as this process has them, at the begin of a round.
 * False: out of memory.
 */
extern bool ranges_prepare(Engine *engine);

/* The first table that has something left; or as many as there are. */
extern uint32_t ranges_next_table(const Exact *exact);

/* Is there anything to be begun in this round? */
extern bool ranges_are_left(const Exact *exact);

/* Is each table delivered whole, or about to be? */
extern bool ranges_all_given(const Engine *engine);

/* The consumer has handled a chunk. */
extern void ranges_chunk_done(Engine *engine, uint64_t number);

#endif
