/*
 * exact_desk.h
 *		The connection that plans an exact backfill, and keeps what is done.
 */
#ifndef ETF_EXACT_DESK_H
#define ETF_EXACT_DESK_H

#include "client/engine/state.h"

/* Open it, load what was kept, plan; ends with EXACT_WAITING or desk_refuse. */
extern void desk_open(Engine *engine);
extern void desk_turn(Engine *engine, short revents);

/* Is there anything that was not kept yet? */
static inline bool
desk_is_behind(const Engine *engine)
{
	return engine->exact.dirty || engine->exact.saving;
}

/* The backfill cannot be: "failure" is final, or the stream's own. */
extern void desk_refuse(Engine *engine, const Failure *failure);
extern void desk_refuse_state(Engine *engine, const char *wrong);

/* The slot was made anew since. */
extern void desk_forget_state(Engine *engine);

/* Free all that belongs to a backfill. */
extern void exact_clear(Engine *engine);

#endif
