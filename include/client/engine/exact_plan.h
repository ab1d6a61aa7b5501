/*
 * exact_plan.h
 *		The tables of a round, as of its snapshot.
 */
#ifndef ETF_EXACT_PLAN_H
#define ETF_EXACT_PLAN_H

#include "client/engine/state.h"

/* The keeper imports the snapshot, and lists the tables by it. */
extern void plan_ask(Engine *engine);

/* It has: the state is brought up to it.  False: out of memory. */
extern bool plan_answered(Engine *engine);

/* Rows without a key cannot be told from those that the stream brought. */
extern void plan_tell_keyless(Engine *engine);

#endif
