/*
 * plans.h
 *		The plans of all tables that a stream has told of.
 */
#ifndef ETF_PLANS_H
#define ETF_PLANS_H

#include "client/source/plan_make.h"

typedef struct Plans
{
	OidMap map; /* Plan */
	Plan *last; /* the one that was asked for last */
} Plans;

extern void plans_free(Plans *plans);

/* A new connection: nothing of the server's messages holds any more. */
extern void plans_forget(Plans *plans);

/*
 * A relation message, all of "bytes".  False: its plan must wait for the answer
 * to "question".
 */
extern bool plans_take(Plans *plans, const PlanContext *context,
					   const PgRelation *relation, const char *bytes,
					   size_t len, PlanQuestion *question);

/* The catalogs were asked for all types that it has. */
extern void plans_asked(Plans *plans, const Catalog *catalog, uint32_t relid);

/* NULL: no message has told of this table.  As new as the catalog is. */
extern Plan *plans_get(Plans *plans, const PlanContext *context,
					   uint32_t relid);

#endif
