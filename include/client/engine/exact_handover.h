/*
 * exact_handover.h
 *		An exact backfill that goes on in mode incremental.
 */
#ifndef ETF_EXACT_HANDOVER_H
#define ETF_EXACT_HANDOVER_H

#include "client/engine/state.h"

/* A table that was begun so often did not fit. */
#define STARTS_MAX 2

/* Is this table left to mode incremental, since rounds are too short for it? */
extern bool handover_takes(const Engine *engine, const BackfillTable *table);

/*
 * Between rounds: is what is left for mode incremental?  Then no round is to
 * begin; once all else is handled and kept, the backfill goes on there.
 */
extern bool handover_turn(Engine *engine);

/* Rows have moved: it matters as long as it may go on in mode incremental. */
extern void handover_keys(Engine *engine, uint64_t rel, const uint8_t *keys,
						  size_t len);

/*
 * Each turn, once its state is known: keys are dropped if it will not.  If it
 * will, but not at once, its tables begin anew, so that nothing waits for that.
 */
extern void handover_settle_keys(Engine *engine);

#endif
