/*
 * shape.h
 *		The relation event of a plan.
 */
#ifndef ETF_SHAPE_H
#define ETF_SHAPE_H

#include "client/source/plan.h"

/* Its bytes, which are the caller's. */
extern char *shape_relation(const PlanContext *context, const Plan *plan,
							size_t *len);

#endif
