/*
 * describe.h
 *		The relation event: a table's description for its readers.
 */
#ifndef ETF_DESCRIBE_H
#define ETF_DESCRIBE_H

#include "plugin/plan.h"

/*
 * Encode the event of a plan whose fields are built, in the current memory
 * context; *len is its length.  "relation" is the one that is described.
 */
extern const char *etf_describe_relation(const Forms *forms,
										 const EtfPlan *plan, Relation relation,
										 int *len);

/* A table in a schema event. */
typedef struct EtfTableState
{
	const char *term;
	int len;
	uint64 shape; /* a hash of all but where and how its rows are stored */
} EtfTableState;

/* In the current memory context, likewise. */
extern EtfTableState etf_describe_state(const Forms *forms, const EtfPlan *plan,
										Relation relation);

#endif
