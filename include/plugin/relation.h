/*
 * relation.h
 *		What is known of each table, so that no row needs the catalogs.
 *
 * A plan is built at the table's first change in a session and again after
 * an invalidation of the table or of anything its types are made of.  A plan is
 * freed after an invalidation of its table, some are when together they become
 * large, and all with the session; what the reader has been told is remembered
 * until the table is dropped.
 */
#ifndef ETF_RELATION_H
#define ETF_RELATION_H

#include "utils/relcache.h"

#include "plugin/session.h"
#include "plugin/value.h"

struct EtfRelation;

/* Kept for each table of the session, whether or not it has a plan now. */
typedef struct EtfRelationEntry
{
	Oid relid;					  /* hash key: must be first */
	bool told;					  /* the reader has had a relation event, ... */
	uint64 event_hash;			  /* ... this one, ... */
	uint64 frame;				  /* ... last in this frame */
	struct EtfRelation *relation; /* the plan, or NULL */
} EtfRelationEntry;

/* The plan. */
typedef struct EtfRelation
{
	EtfRelationEntry *entry;
	bool valid;	  /* cleared by the relcache callback */
	bool built;	  /* no ERROR came between */
	bool wanted;  /* publishable, and not filtered out */
	bool full;	  /* REPLICA IDENTITY FULL */
	uint64 epoch; /* of the cache, when the plan was built */
	struct EtfRelation *next_invalid; /* in the list of those to be freed */
	const char *schema;
	const char *name;
	int natts; /* columns of the table, dropped ones included */
	int nfields;
	EtfField *fields; /* all columns that the WAL carries */
	int nkeys;
	EtfField *keys; /* those of the replica identity */
	Datum *values;	/* room for one deformed tuple each, by attribute */
	bool *nulls;
	Datum *old_values;
	bool *old_nulls;
	const char *event; /* the relation event, encoded */
	int event_len;
	MemoryContext context; /* holds all of the above */
	Size bytes;			   /* what the context takes */
} EtfRelation;

extern void etf_relations_init(EtfSession *session);

/* The plan of a table, built if need be.  Valid until the next call. */
extern EtfRelation *etf_relation_get(EtfSession *session, Relation relation);

#endif
