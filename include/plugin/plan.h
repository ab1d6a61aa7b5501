/*
 * plan.h
 *		Build the plan of a table.
 */
#ifndef ETF_PLAN_H
#define ETF_PLAN_H

#include "plugin/relation.h"

/*
 * Fill in a plan whose context is new and current.  What "builder" has met is
 * to be watched before anything else is looked up.
 */
extern void etf_plan_build(EtfTypeBuilder *builder, EtfRelation *plan,
						   Relation relation);

/* Then, for a table that is wanted, encode its relation event. */
extern void etf_plan_describe(EtfSession *session, EtfRelation *plan,
							  Relation relation);

#endif
