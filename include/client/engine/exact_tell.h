/*
 * exact_tell.h
 *		What the consumer is told of an exact backfill; docs/port.md has it all.
 */
#ifndef ETF_EXACT_TELL_H
#define ETF_EXACT_TELL_H

#include "client/engine/state.h"

/* What is left, as far as it can be estimated. */
extern void tell_started(Engine *engine, const BackfillState *plan);
extern void tell_round(Engine *engine);
extern void tell_close(Engine *engine, const Chunk *chunk);
extern void tell_retry(Engine *engine, const Chunk *chunk, const char *reason);

/* table_done, table_again */
extern void tell_table(Engine *engine, const char *name,
					   const BackfillTable *table, const char *reason);
extern void tell_table_failed(Engine *engine, const BackfillTable *table,
							  const Failure *failure);

/* It cannot begin yet. */
extern void tell_anew(Engine *engine);
extern void tell_delayed(Engine *engine, const Failure *failure);
extern void tell_unkept(Engine *engine, const Failure *failure);

/* Of each table under way. */
extern void tell_progress(Engine *engine);

/* finished, stopped */
extern void tell_end(Engine *engine, const char *name);

/* Also of one that never began. */
extern void tell_failed(Engine *engine, const char *id, const Failure *failure);

#endif
