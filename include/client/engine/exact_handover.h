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

/* Its state, or that of its round, is known: drop them if it will not. */
extern void handover_forget_keys(Engine *engine);

#endif
