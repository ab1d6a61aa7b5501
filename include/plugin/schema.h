/*
 * schema.h
 *		Schema events: what a transaction has done to tables themselves.
 *
 *		{schema, Rel, Before, After}
 */
#ifndef ETF_SCHEMA_H
#define ETF_SCHEMA_H

#include "plugin/plan.h"
#include "plugin/session.h"

/* An ERROR where the options do not go together. */
extern void etf_schema_startup(EtfSession *session);

/* A transaction begins: keep the tables that it will touch as they are. */
extern void etf_schema_begin(EtfSession *session,
							 const ReorderBufferTXN *source);

/* Before a row of this plan: has the table changed? */
extern void etf_schema_tell(EtfSession *session, Oid relid,
							const EtfPlan *plan);

/* The transaction ends: tell of all that have changed. */
extern void etf_schema_end(EtfSession *session);

#endif
