/*
 * claim.h
 *		Whose turn it is to read a slot that several clients share.
 */
#ifndef ETF_CLAIM_H
#define ETF_CLAIM_H

#include "client/engine/state.h"

extern void claim_init(Engine *engine);

/*
 * After a failed attempt, is there something to wait for: a slot in use, or
 * the consumer's position, which is outdated by now?  False may leave another
 * failure.
 */
extern bool claim_takes(Engine *engine, Failure *failure);

/* Look at the slot by the control connection, wanted otherwise or not. */
extern void claim_look(Engine *engine, bool often);

/*
 * Is it another client?  One that has streamed continues where it was, but only
 * behind its own last walsender, which the server may still consider alive.
 */
extern bool claim_is_another(const Engine *engine, int holder);

/* Set "failure": it was another client. */
extern void claim_lost(Engine *engine, int holder, uint64_t decoded,
					   Failure *failure);

/* The slot is free: where does the consumer want to start? */
extern void claim_ask(Engine *engine, uint64_t confirmed);

#endif
