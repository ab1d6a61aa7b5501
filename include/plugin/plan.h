/*
 * plan.h
 *		All that must be known of a table to encode its changes.
 *
 * Built from the catalogs, so that no row needs them.  relation.c says when,
 * and keeps it; what a plan consists of is in the memory context that was
 * current when it was built.
 */
#ifndef ETF_PLAN_H
#define ETF_PLAN_H

#include "utils/rel.h"

#include "plugin/row.h"
#include "plugin/row_filter.h"
#include "plugin/session.h"

struct EtfTable;

typedef struct EtfPlan
{
	Oid relid;	   /* of the table that is described: itself or a root */
	uint64 serial; /* no other plan of the session has it */
	struct EtfTable *told; /* that table: what the reader knows of it */
	int actions;		   /* ACTION_* that are wanted; 0: nothing of it is */
	char identity;		   /* pg_class.relreplident of the table itself */
	bool full;			   /* it is REPLICA IDENTITY FULL */
	const char *schema;
	const char *name;
	int natts; /* columns of the table, dropped ones included */
	int nfields;
	EtfField *fields; /* columns that are in the WAL, and published */
	const struct EtfTableNames *names; /* NULL: no columns are restricted */
	int nkeys;
	EtfField *keys;		  /* those of the replica identity */
	EtfRowFilter *filter; /* NULL: all rows go out */
	EtfTuple new_row;	  /* room for the rows of one change */
	EtfTuple old_row;
	bool *same;			 /* room for what they have in common, or NULL */
	bool changed_only;	 /* updates are sent without that */
	bool skip_unchanged; /* or not at all */
	const char *event;	 /* the relation event, encoded */
	int event_len;
	uint64 event_hash;
} EtfPlan;

/*
 * Fill in a plan of zeros, but for "told".  What "builder" has met is to be
 * watched before anything else is looked up.
 */
extern void etf_plan_build(EtfSession *session, EtfTypeBuilder *builder,
						   EtfPlan *plan, Relation relation);

/* Then, for a table that is wanted, encode its relation event. */
extern void etf_plan_describe(EtfSession *session, EtfPlan *plan,
							  Relation relation);

#endif
