/*
 * plan.h
 *		Which tables are to be read, and what an earlier round left of them.
 */
#ifndef ETF_BACKFILL_PLAN_H
#define ETF_BACKFILL_PLAN_H

#include "client/backfill/backfill_reader.h"
#include "client/backfill/backfill_state.h"
#include "client/backfill/published.h"

#define PLAN_MISSING "there is no such table in the stream"
#define PLAN_MISSING_HINT                                                     \
	"It must exist, match the tables and publications of the stream, and be " \
	"no view and no foreign, unlogged or temporary table."

#define PLAN_UNREADABLE "tables that cannot be read"
#define PLAN_UNREADABLE_HINT \
	"GRANT SELECT on them to this role, or leave them out."

/*
 * Ask for the tables that a stream with these settings has, of those that the
 * patterns match (NULL: all).  With "snapshot" the answer is as of it, in a
 * transaction that stays open; as db.result its column "snapshot" is a new
 * name of it, which lives as long as that transaction.
 */
extern void plan_build(const Reader *reader, const Settings *settings,
					   const char *patterns, const char *snapshot, StrBuf *sql);

/* Are tables named one by one, and none is there, or was? */
extern bool plan_is_missing(const BackfillState *plan,
							const BackfillState *state, const char *patterns);

/* Those of the patterns (NULL: none) that no table matches. */
extern void plan_put_unmatched(const BackfillState *plan, const char *patterns,
							   StrBuf *unmatched);

/*
 * Take the answer; where it is one of published_put_plan(), what is wanted of
 * it.  Names of tables that may not be read, with the reasons, go into
 * "unreadable".  False: out of memory.
 */
extern bool plan_take(const PGresult *result, const Published *published,
					  const char *patterns, BackfillState *plan,
					  StrBuf *unreadable);

/*
 * Has a round been, with these patterns?  Tables that match others have been
 * there before; those that appear now have been in the stream from their start.
 */
extern bool plan_is_later(const BackfillState *state, const char *patterns);

/* A statement that fails if the condition cannot be one of this table. */
extern void plan_put_check(const Reader *reader, const Settings *settings,
						   uint32_t oid, const char *where, StrBuf *sql);

/* It did: the hint says which one. */
extern void plan_name_condition(Failure *failure, const BackfillTable *table,
								const char *where);

typedef enum PlanNews
{
	PLAN_AGAIN,	 /* what was read of it before does not count */
	PLAN_DROPPED /* it is not there any more, or not wanted */
} PlanNews;

/*
 * Bring the state up to the plan of a new snapshot, whose tables it takes.  A
 * half-read table goes on where it has a key, its events always carry whole
 * rows, and its file and what it is told as are the same, else it begins anew.
 * What was not there before is to be read, unless "later": then it has been in
 * the stream from its start.  Partitions without a key that are told as one
 * table begin together.
 */
extern bool plan_merge(BackfillState *state, BackfillState *plan, bool later,
					   uint32_t block_size,
					   void (*tell)(void *arg, PlanNews news,
									const BackfillTable *table),
					   void *arg);

#endif
