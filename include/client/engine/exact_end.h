/*
 * exact_end.h
 *		The end of a round, however it comes: the stream goes on.
 */
#ifndef ETF_EXACT_END_H
#define ETF_EXACT_END_H

#include "client/engine/state.h"

/* Now.  What is left is for another round, unless nothing is. */
extern void round_give_up(Engine *engine);

/* The same, because of this: it is told, and the next one waits. */
extern void round_fail(Engine *engine, const Failure *failure);

#endif
