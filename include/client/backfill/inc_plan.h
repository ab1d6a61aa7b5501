/*
 * inc_plan.h
 *		The tables of an incremental backfill, as they are now.
 *
 * For inc_desk.c.
 */
#ifndef ETF_INC_PLAN_H
#define ETF_INC_PLAN_H

#include "client/backfill/inc_parts.h"

/* Ask the desk for them. */
extern void inc_plan_build(const Incremental *inc, StrBuf *sql);

/*
 * Take the answer: what is new is to be read, what is another one than it was
 * is read from its start.  False: it cannot be, and the backfill has ended.
 */
extern bool inc_plan_take(Incremental *inc, const StreamPlace *place);

/*
 * Have the server look at a condition, that of "checked" or the first one
 * behind it.  False: there are none.
 */
extern bool inc_plan_check_build(Incremental *inc, StrBuf *sql);

/*
 * The server is on another timeline than the state.  What was delivered from
 * behind the place where that was left is lost there, so these tables are read
 * from their start; without "history", all that are under way or done.
 */
extern void inc_plan_lost(Incremental *inc, const char *history);

/* Rows as the server estimates them, but for those that were read. */
extern Sums inc_plan_left(const Incremental *inc);

#endif
