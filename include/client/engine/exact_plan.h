/*
 * exact_plan.h
 *		The tables of a round, as of its snapshot.
 */
#ifndef ETF_EXACT_PLAN_H
#define ETF_EXACT_PLAN_H

#include "client/engine/state.h"

/* The keeper imports the snapshot, and lists the tables.  False: it cannot. */
extern bool plan_ask(Engine *engine, Failure *failure);

/* It has: the state is brought up to it.  False: it cannot be read. */
extern bool plan_answered(Engine *engine, Failure *failure);

/* What else is to be known, one question at a time; false: all is. */
extern bool plan_asks_more(Engine *engine);

/* Rows without a key cannot be told from those that the stream brought. */
extern void plan_tell_keyless(Engine *engine);

#endif
