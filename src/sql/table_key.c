/*
 * table_key.c
 *		The columns by which the rows of a table are told apart and ordered.
 *
 * Keys travel as texts, made by the columns' output functions and read by
 * their input functions: only the server compares them, in the index's own
 * collations, so a client needs to know nothing of a type.
 */
#include "postgres.h"

#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "compat/decoding.h"
#include "sql/table_key.h"

static Oid
key_index(Relation relation)
{
	if (relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL)
		return relation_primary_key(relation);
	return RelationGetReplicaIndex(relation);
}

TableKey
etf_table_key(Relation relation)
{
	TableKey key = {.ncolumns = 0};
	HeapTuple tuple =
		SearchSysCache1(INDEXRELID, ObjectIdGetDatum(key_index(relation)));
	Form_pg_index form;
	oidvector *collations;
	bool isnull;

	if (!HeapTupleIsValid(tuple))
		return key;
	form = (Form_pg_index) GETSTRUCT(tuple);
	collations = (oidvector *) DatumGetPointer(SysCacheGetAttr(
		INDEXRELID, tuple, Anum_pg_index_indcollation, &isnull));
	key.ncolumns = form->indnkeyatts;
	for (int i = 0; i < key.ncolumns; i++)
	{
		key.attnums[i] = form->indkey.values[i];
		key.collations[i] = collations->values[i];
	}
	ReleaseSysCache(tuple);
	return key;
}

static Form_pg_attribute
key_attribute(const TableKey *key, Relation relation, int column)
{
	return TupleDescAttr(RelationGetDescr(relation), key->attnums[column] - 1);
}

const char *
etf_key_column(const TableKey *key, Relation relation, int column)
{
	return NameStr(key_attribute(key, relation, column)->attname);
}

void
etf_put_key_columns(StringInfo sql, const TableKey *key, Relation relation,
					const char *more)
{
	for (int i = 0; i < key->ncolumns; i++)
	{
		appendStringInfo(sql, "%s%s", i == 0 ? "" : ", ",
						 quote_identifier(etf_key_column(key, relation, i)));
		if (OidIsValid(key->collations[i]))
			appendStringInfo(sql, " COLLATE %s",
							 generate_collation_name(key->collations[i]));
		appendStringInfoString(sql, more);
	}
}

/* Without a type modifier: a cast would cut the value off. */
void
etf_put_key_values(StringInfo sql, const TableKey *key, Relation relation,
				   char **values)
{
	for (int i = 0; i < key->ncolumns; i++)
	{
		Oid type = key_attribute(key, relation, i)->atttypid;

		appendStringInfo(sql, "%s%s::%s", i == 0 ? "" : ", ",
						 quote_literal_cstr(values[i]),
						 format_type_extended(type, -1,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
												  FORMAT_TYPE_FORCE_QUALIFY));
	}
}

Datum
etf_key_of_row(const TableKey *key, Relation relation, const Datum *values)
{
	Datum texts[INDEX_MAX_KEYS];

	for (int i = 0; i < key->ncolumns; i++)
	{
		Oid output;
		bool varlena;

		getTypeOutputInfo(key_attribute(key, relation, i)->atttypid, &output,
						  &varlena);
		texts[i] =
			CStringGetTextDatum(OidOutputFunctionCall(output, values[i]));
	}
	return PointerGetDatum(construct_array(texts, key->ncolumns, TEXTOID, -1,
										   false, TYPALIGN_INT));
}
