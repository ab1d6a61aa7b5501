/*
 * exact_hold.h
 *		How long a round holds its snapshot.
 */
#ifndef ETF_EXACT_HOLD_H
#define ETF_EXACT_HOLD_H

#include "client/engine/state.h"

/* The snapshot is in our hands: what bounds it? */
extern void hold_begin(Engine *engine);

/* Is the server about to remove WAL that the stream needs? */
extern bool hold_endangers_slot(const Engine *engine);

/* Must it be let go? */
extern bool hold_is_over(Engine *engine);

#endif
