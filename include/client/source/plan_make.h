/*
 * plan_make.h
 *		Plans, made of what pgoutput and the catalogs tell.
 */
#ifndef ETF_PLAN_MAKE_H
#define ETF_PLAN_MAKE_H

#include "client/source/pgoutput.h"
#include "client/source/plan.h"

/* What must be asked for, before a plan can be made. */
typedef struct PlanQuestion
{
	uint32_t relid;
	size_t ntypes;
	uint32_t types[1664]; /* as many as a table has columns */
} PlanQuestion;

/*
 * Does the catalog have what a plan of this message needs?  Else "question" is
 * what to ask it.  A table that has been altered is asked for again.
 */
extern bool plan_is_possible(const PlanContext *context, const Plan *plan,
							 PgRelation relation, PlanQuestion *question);

/* All types that the columns have. */
extern void plan_question(const Plan *plan, PlanQuestion *question);

/* Make it, from a message that is sound. */
extern void plan_make(const PlanContext *context, Plan *plan,
					  PgRelation relation);

/* A column that a binary session cannot have; NULL: none is. */
extern const PlanColumn *plan_unfit(const Plan *plan);

/*
 * Has it got a value that could not be read?  Once for a table: there may be one
 * in each row.
 */
extern bool plan_tell_unread(Plan *plan, char *text, size_t size);

/* What it was made of; "told" stays. */
extern void plan_clear(Plan *plan);

#endif
