/*
 * class_row.c
 *		What the catalogs say of a relation, without the server's caches.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_index.h"
#include "utils/fmgroids.h"

#include "plugin/class_row.h"

/* The row of a catalog that is found by this OID in an index of it. */
static bool
find_row(Oid catalog, Oid index, AttrNumber column, Oid oid, void *row,
		 Size size)
{
	Relation relation = table_open(catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(oid));
	scan = systable_beginscan(relation, index, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		memcpy(row, GETSTRUCT(tuple), size);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

bool
etf_class_row(Oid relid, FormData_pg_class *row)
{
	return find_row(RelationRelationId, ClassOidIndexId, Anum_pg_class_oid,
					relid, row, CLASS_TUPLE_SIZE);
}

Oid
etf_index_table(Oid index)
{
	FormData_pg_index row;

	return find_row(IndexRelationId, IndexRelidIndexId,
					Anum_pg_index_indexrelid, index, &row,
					offsetof(FormData_pg_index, indkey))
			   ? row.indrelid
			   : InvalidOid;
}
