/*
 * relation.h
 *		What is known of each table, so that no row needs the catalogs.
 *
 * A plan is built at the table's first change in a session and again after
 * an invalidation of the table or of anything its types are made of.  Plans
 * are freed with the session.
 */
#ifndef ETF_RELATION_H
#define ETF_RELATION_H

#include "utils/relcache.h"

#include "plugin/session.h"
#include "plugin/value.h"

typedef struct EtfRelation
{
	Oid relid;	  /* hash key: must be first */
	bool valid;	  /* cleared by the relcache callback */
	bool wanted;  /* publishable, and not filtered out */
	bool full;	  /* REPLICA IDENTITY FULL */
	bool told;	  /* the session has had the relation event */
	uint64 epoch; /* of the cache, when the plan was built */
	uint64 frame; /* the last frame with the relation event */
	const char *schema;
	const char *name;
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
} EtfRelation;

extern void etf_relations_init(EtfSession *session);

/* The plan of a table, built if need be.  Valid until the next call. */
extern EtfRelation *etf_relation_get(EtfSession *session, Relation relation);

#endif
