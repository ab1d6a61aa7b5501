/*
 * exact_keep.h
 *		What is done of an exact backfill is kept.
 */
#ifndef ETF_EXACT_KEEP_H
#define ETF_EXACT_KEEP_H

#include "client/engine/state.h"

/*
 * Once it is said to have started, it goes on whatever happens: the request is
 * kept first.  False: it is not to be kept.
 */
extern bool keep_request(Engine *engine);

/* Once a second, and at once where somebody waits for it. */
extern void keep_turn(Engine *engine);

#endif
