/*
 * key_columns.c
 *		The columns of a table's keys.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_index.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "compat/decoding.h"
#include "plugin/key_columns.h"

/* Read from the catalogs: opening it could fail under a historic snapshot. */
static Bitmapset *
index_columns(Oid index)
{
	Bitmapset *columns = NULL;
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; i < form->indnkeyatts; i++)
		columns =
			bms_add_member(columns, form->indkey.values[i] -
										FirstLowInvalidHeapAttributeNumber);
	ReleaseSysCache(tuple);
	return columns;
}

Bitmapset *
etf_identity_columns(Relation relation)
{
	return index_columns(RelationGetReplicaIndex(relation));
}

Bitmapset *
etf_primary_columns(Relation relation)
{
	return index_columns(relation_primary_key(relation));
}
