/*
 * relation.h
 *		The plans of a session's tables, kept as long as they are right.
 *
 * A plan is built at the table's first change in a session and again after
 * an invalidation of the table or of anything its types are made of.  A plan is
 * freed after an invalidation of its table, some are when together they become
 * large, and all with the session; what the reader has been told is remembered
 * until the table is dropped.
 */
#ifndef ETF_RELATION_H
#define ETF_RELATION_H

#include "plugin/plan.h"

struct EtfCachedPlan;

/* Kept for each table of the session, whether or not it has a plan now. */
typedef struct EtfTable
{
	Oid relid;		/* hash key: must be first */
	uint64 told;	/* event_hash of what the reader was told, ... */
	uint64 told_in; /* ... in this span; 0: nothing yet */
	struct EtfCachedPlan *cached; /* relation.c's, or NULL */
} EtfTable;

extern void etf_plans_init(EtfSession *session);

/* Whatever session there is builds all its plans again. */
extern void etf_plans_forget(void);

/* The plan of a table, built if need be.  Valid until the next call. */
extern const EtfPlan *etf_plan_get(EtfSession *session, Relation relation);

#endif
