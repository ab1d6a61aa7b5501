/*
 * publications.h
 *		What differs between PostgreSQL 13 and 19 in publications.
 *
 * 13 and 14 know tables and actions, 15 schemas, row filters and column lists,
 * 18 generated columns, 19 tables that FOR ALL TABLES leaves out.
 */
#ifndef ETF_COMPAT_PUBLICATIONS_H
#define ETF_COMPAT_PUBLICATIONS_H

#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteHandler.h"
#endif

/* since 15: publications of schemas */
static inline List *
schema_publications(Oid schema)
{
#if PG_VERSION_NUM >= 150000
	return GetSchemaPublications(schema);
#else
	(void) schema;
	return NIL;
#endif
}

static inline bool
publication_covers_schema(Oid publication, Oid schema)
{
#if PG_VERSION_NUM >= 150000
	return SearchSysCacheExists2(PUBLICATIONNAMESPACEMAP,
								 ObjectIdGetDatum(schema),
								 ObjectIdGetDatum(publication));
#else
	(void) publication;
	(void) schema;
	return false;
#endif
}

/* The callback is for a change of what is published, and of what it is. */
static inline void
watch_publications(SyscacheCallbackFunction callback)
{
	CacheRegisterSyscacheCallback(PUBLICATIONOID, callback, (Datum) 0);
	CacheRegisterSyscacheCallback(PUBLICATIONRELMAP, callback, (Datum) 0);
#if PG_VERSION_NUM >= 150000
	CacheRegisterSyscacheCallback(PUBLICATIONNAMESPACEMAP, callback, (Datum) 0);
#endif
}

/* since 15: the numbers of the columns that are listed; NULL: no list */
static inline Bitmapset *
publication_columns(Oid publication, Oid relid)
{
	Bitmapset *columns = NULL;
#if PG_VERSION_NUM >= 150000
	HeapTuple tuple =
		SearchSysCache2(PUBLICATIONRELMAP, ObjectIdGetDatum(relid),
						ObjectIdGetDatum(publication));
	Datum list;
	bool isnull;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	list = SysCacheGetAttr(PUBLICATIONRELMAP, tuple,
						   Anum_pg_publication_rel_prattrs, &isnull);
	if (!isnull)
		columns = pub_collist_to_bitmapset(NULL, list, CurrentMemoryContext);
	ReleaseSysCache(tuple);
#else
	(void) publication;
	(void) relid;
#endif
	return columns;
}

/* since 15: the condition that rows must meet; NULL: none */
static inline Node *
publication_filter(Oid publication, Oid relid)
{
	Node *filter = NULL;
#if PG_VERSION_NUM >= 150000
	HeapTuple tuple =
		SearchSysCache2(PUBLICATIONRELMAP, ObjectIdGetDatum(relid),
						ObjectIdGetDatum(publication));
	Datum condition;
	bool isnull;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	condition = SysCacheGetAttr(PUBLICATIONRELMAP, tuple,
								Anum_pg_publication_rel_prqual, &isnull);
	if (!isnull)
		filter = stringToNode(TextDatumGetCString(condition));
	ReleaseSysCache(tuple);
#else
	(void) publication;
	(void) relid;
#endif
	return filter;
}

/* since 18: stored generated columns can be published */
static inline bool
publication_has_generated(const Publication *publication)
{
#if PG_VERSION_NUM >= 180000
	return publication->pubgencols_type == PUBLISH_GENCOLS_STORED;
#else
	(void) publication;
	return false;
#endif
}

/* since 18: virtual columns, which a condition may name */
static inline Node *
expand_virtual_columns(Node *node, Relation relation)
{
#if PG_VERSION_NUM >= 180000
	return expand_generated_columns_in_expr(node, relation, 1);
#else
	(void) relation;
	return node;
#endif
}

/* since 19: a row of a table can also say that it is left out */
static inline List *
table_publications(Oid relid)
{
#if PG_VERSION_NUM >= 190000
	return GetRelationIncludedPublications(relid);
#else
	return GetRelationPublications(relid);
#endif
}

static inline bool
publication_excepts(Oid publication, Oid relid)
{
#if PG_VERSION_NUM >= 190000
	return list_member_oid(GetRelationExcludedPublications(relid), publication);
#else
	(void) publication;
	(void) relid;
	return false;
#endif
}

#endif
