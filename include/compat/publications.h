/*
 * publications.h
 *		What differs between PostgreSQL 13 and 19 in publications.
 *
 * 13 and 14 know tables and actions, 15 schemas, row filters and column lists,
 * 18 generated columns, 19 tables that FOR ALL TABLES leaves out.
 */
#ifndef ETF_COMPAT_PUBLICATIONS_H
#define ETF_COMPAT_PUBLICATIONS_H

#include "access/htup_details.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#if PG_VERSION_NUM >= 150000
#include "catalog/pg_publication_namespace.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteHandler.h"
#endif

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

/* A row of pg_publication. */
static inline Publication *
publication_of_row(HeapTuple row)
{
	Form_pg_publication form = (Form_pg_publication) GETSTRUCT(row);
	Publication *publication = palloc0(sizeof(Publication));

	publication->oid = form->oid;
	publication->name = pstrdup(NameStr(form->pubname));
	publication->alltables = form->puballtables;
	publication->pubviaroot = form->pubviaroot;
	publication->pubactions.pubinsert = form->pubinsert;
	publication->pubactions.pubupdate = form->pubupdate;
	publication->pubactions.pubdelete = form->pubdelete;
	publication->pubactions.pubtruncate = form->pubtruncate;
#if PG_VERSION_NUM >= 180000
	publication->pubgencols_type = form->pubgencols;
#endif
	return publication;
}

#if PG_VERSION_NUM >= 150000
/* A value of a row of pg_publication_rel; NULL: it has none. */
static inline Datum
publication_row_value(HeapTuple row, Relation catalog, AttrNumber column)
{
	bool isnull;
	Datum value = heap_getattr(row, column, RelationGetDescr(catalog), &isnull);

	return isnull ? (Datum) 0 : value;
}
#endif

/* since 15: the numbers of the columns that are listed; NULL: no list */
static inline Bitmapset *
publication_row_columns(HeapTuple row, Relation catalog)
{
#if PG_VERSION_NUM >= 150000
	Datum list =
		publication_row_value(row, catalog, Anum_pg_publication_rel_prattrs);

	return list == (Datum) 0
			   ? NULL
			   : pub_collist_to_bitmapset(NULL, list, CurrentMemoryContext);
#else
	(void) row;
	(void) catalog;
	return NULL;
#endif
}

/* since 15: the condition that rows must meet; NULL: none */
static inline Node *
publication_row_filter(HeapTuple row, Relation catalog)
{
#if PG_VERSION_NUM >= 150000
	Datum condition =
		publication_row_value(row, catalog, Anum_pg_publication_rel_prqual);

	return condition == (Datum) 0
			   ? NULL
			   : (Node *) stringToNode(TextDatumGetCString(condition));
#else
	(void) row;
	(void) catalog;
	return NULL;
#endif
}

/* since 19: a row of a table can also say that it is left out */
static inline bool
publication_row_excepts(HeapTuple row)
{
#if PG_VERSION_NUM >= 190000
	return ((Form_pg_publication_rel) GETSTRUCT(row))->prexcept;
#else
	(void) row;
	return false;
#endif
}

/* The catalog of publications of schemas, and its unique index. */
typedef struct PublicationSchemas
{
	Oid catalog;
	Oid index;
	AttrNumber schema;
	AttrNumber publication;
} PublicationSchemas;

/* since 15; before there was no such catalog: InvalidOid */
static inline PublicationSchemas
publication_schemas(void)
{
	PublicationSchemas schemas = {0};
#if PG_VERSION_NUM >= 150000
	schemas.catalog = PublicationNamespaceRelationId;
	schemas.index = PublicationNamespacePnnspidPnpubidIndexId;
	schemas.schema = Anum_pg_publication_namespace_pnnspid;
	schemas.publication = Anum_pg_publication_namespace_pnpubid;
#endif
	return schemas;
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

#endif
