/*
 * key_bound.c
 *		SQL: etf_key_bound(regclass, text) returns text[]
 */
#include "postgres.h"

#include "access/relation.h"
#include "utils/builtins.h"

#include "plugin/sql.h"
#include "sql/reader.h"

static char *
make_statement(const TableKey *key, Relation relation, const char *filter)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	etf_put_key_columns(&sql, key, relation, "");
	etf_put_from(&sql, relation);
	if (filter != NULL)
		etf_put_filter(&sql, " WHERE", filter);
	appendStringInfoString(&sql, " ORDER BY ");
	etf_put_key_columns(&sql, key, relation, " DESC");
	appendStringInfoString(&sql, " LIMIT 1");
	return sql.data;
}

PG_FUNCTION_INFO_V1(etf_key_bound);

/* NULL: there are no rows, or there is no key. */
Datum
etf_key_bound(PG_FUNCTION_ARGS)
{
	Relation relation;
	TableKey key;
	RowSource *source;
	EtfTuple row;
	Datum bound = (Datum) 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	relation = relation_open(PG_GETARG_OID(0), AccessShareLock);
	key = etf_table_key(relation);
	if (key.ncolumns > 0)
	{
		source = etf_scan_query(make_statement(
			&key, relation,
			PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1))));
		if (source->next(source, &row))
			bound = etf_key_of_row(&key, relation, row.values);
		source->end(source);
	}
	relation_close(relation, NoLock);
	if (bound == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(bound);
}
