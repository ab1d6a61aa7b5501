/*
 * publication_rows.c
 *		What the catalogs say of publications, as of a snapshot.
 *
 * Asked by publication.c and row_filter.c, once for each plan of a table.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "utils/fmgroids.h"

#include "compat/publications.h"
#include "plugin/publication_rows.h"

/* The row that a unique index has for these keys, as a copy; NULL: none. */
static HeapTuple
find_row(Relation catalog, Oid index, ScanKeyData *keys, int nkeys,
		 Snapshot snapshot)
{
	SysScanDesc scan =
		systable_beginscan(catalog, index, true, snapshot, nkeys, keys);
	HeapTuple row = systable_getnext(scan);

	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	systable_endscan(scan);
	return row;
}

static void
set_key(ScanKeyData *key, AttrNumber column, Oid oid)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(oid));
}

Publication *
etf_publication_row(const char *name, Snapshot snapshot)
{
	Relation catalog = table_open(PublicationRelationId, AccessShareLock);
	ScanKeyData key;
	HeapTuple row;

	ScanKeyInit(&key, Anum_pg_publication_pubname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(name));
	row = find_row(catalog, PublicationNameIndexId, &key, 1, snapshot);
	table_close(catalog, AccessShareLock);
	return HeapTupleIsValid(row) ? publication_of_row(row) : NULL;
}

bool
etf_publication_table(const Publication *publication, Oid relid,
					  Snapshot snapshot, EtfPublicationTable *table)
{
	Relation catalog = table_open(PublicationRelRelationId, AccessShareLock);
	ScanKeyData keys[2];
	HeapTuple row;

	set_key(&keys[0], Anum_pg_publication_rel_prrelid, relid);
	set_key(&keys[1], Anum_pg_publication_rel_prpubid, publication->oid);
	row = find_row(catalog, PublicationRelPrrelidPrpubidIndexId, keys, 2,
				   snapshot);
	*table = (EtfPublicationTable){0};
	if (HeapTupleIsValid(row))
		*table = (EtfPublicationTable){
			.excepted = publication_row_excepts(row),
			.columns = publication_row_columns(row, catalog),
			.filter = publication_row_filter(row, catalog)};
	table_close(catalog, AccessShareLock);
	return HeapTupleIsValid(row);
}

/* InvalidOid: there is no such table. */
static Oid
schema_of(Oid relid, Snapshot snapshot)
{
	Relation catalog = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	HeapTuple row;

	set_key(&key, Anum_pg_class_oid, relid);
	row = find_row(catalog, ClassOidIndexId, &key, 1, snapshot);
	table_close(catalog, AccessShareLock);
	return HeapTupleIsValid(row)
			   ? ((Form_pg_class) GETSTRUCT(row))->relnamespace
			   : InvalidOid;
}

bool
etf_publication_covers(const Publication *publication, Oid relid,
					   Snapshot snapshot)
{
	PublicationSchemas schemas = publication_schemas();
	ScanKeyData keys[2];
	Relation catalog;
	HeapTuple row;

	if (!OidIsValid(schemas.catalog))
		return false;
	catalog = table_open(schemas.catalog, AccessShareLock);
	set_key(&keys[0], schemas.schema, schema_of(relid, snapshot));
	set_key(&keys[1], schemas.publication, publication->oid);
	row = find_row(catalog, schemas.index, keys, 2, snapshot);
	table_close(catalog, AccessShareLock);
	return HeapTupleIsValid(row);
}
