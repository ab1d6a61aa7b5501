/*
 * announce.h
 *		What the consumer is told of a backfill; docs/port.md has it all.
 */
#ifndef ETF_BACKFILL_ANNOUNCE_H
#define ETF_BACKFILL_ANNOUNCE_H

#include "client/backfill/backfill_state.h"
#include "client/base/consumer.h"

/* To whom, and of which backfill. */
typedef struct Listener
{
	Consumer *consumer;
	const char *id;
} Listener;

typedef struct Sums
{
	uint64_t tables;
	uint64_t rows;
	uint64_t bytes;
} Sums;

/* Of all tables; those that are over count. */
extern Sums sums_done(const BackfillState *state);

/* left: as far as it can be estimated. */
extern void announce_started(const Listener *to, const char *mode,
							 const Sums *left);

/* A snapshot was taken at lsn; so many tables are to be read. */
extern void announce_round(const Listener *to, uint64_t lsn, uint64_t tables);

extern void announce_open(const Listener *to, const BackfillTable *table,
						  uint64_t chunk);
extern void announce_there(const Listener *to, uint64_t chunk);
extern void announce_close(const Listener *to, const BackfillTable *table,
						   uint64_t chunk, uint64_t lsn, uint64_t rows,
						   uint64_t bytes);
extern void announce_retry(const Listener *to, uint64_t chunk,
						   const char *reason);

/* table_done, table_again */
extern void announce_table(const Listener *to, const char *name,
						   const BackfillTable *table, const char *reason);
extern void announce_table_failed(const Listener *to,
								  const BackfillTable *table,
								  const Failure *failure);

/* What was kept is of a slot that is no more: what it missed is unknown. */
extern void announce_anew(const Listener *to, const char *slot);

/*
 * It cannot begin yet, or what is done of it cannot be kept: told once, however
 * often it is tried.
 */
extern void announce_delayed(const Listener *to, const Failure *failure,
							 bool *told);
extern void announce_unkept(const Listener *to, const Failure *failure,
							bool *told);

extern void announce_progress(const Listener *to, const BackfillTable *table,
							  const TableRead *read, uint64_t bytes);

/* finished, stopped */
extern void announce_end(const Listener *to, const char *name,
						 const BackfillState *state);
extern void announce_failed(const Listener *to, const Failure *failure);

#endif
