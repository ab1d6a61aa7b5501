/*
 * read_statement.c
 *		A range of keys, or of blocks, as a SELECT.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sql/reader.h"

/* Nothing but a WHERE clause? */
static bool
is_condition(const SelectStmt *select)
{
	return IsA(select, SelectStmt) && select->op == SETOP_NONE &&
		   select->whereClause != NULL && select->distinctClause == NIL &&
		   select->intoClause == NULL && select->targetList == NIL &&
		   select->fromClause == NIL && select->groupClause == NIL &&
		   select->havingClause == NULL && select->windowClause == NIL &&
		   select->valuesLists == NIL && select->sortClause == NIL &&
		   select->limitOffset == NULL && select->limitCount == NULL &&
		   select->lockingClause == NIL && select->withClause == NULL;
}

/* It is parsed without parentheses, so those that it has are balanced. */
static void
check_filter(const char *filter)
{
	List *statements = pg_parse_query(psprintf("SELECT WHERE %s\n", filter));

	if (list_length(statements) != 1 ||
		!is_condition((SelectStmt *) linitial_node(RawStmt, statements)->stmt))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the filter must be one condition"),
				 errhint("Give what would stand behind WHERE, and no other "
						 "clause.")));
}

void
etf_put_filter(StringInfo sql, const char *keyword, const char *filter)
{
	check_filter(filter);
	appendStringInfo(sql, "%s (%s\n)", keyword, filter);
}

void
etf_put_from(StringInfo sql, Relation relation)
{
	appendStringInfo(sql, " FROM ONLY %s",
					 quote_qualified_identifier(
						 get_namespace_name(RelationGetNamespace(relation)),
						 RelationGetRelationName(relation)));
}

/* A column for each place of a row. */
static void
put_columns(StringInfo sql, const TableReader *reader)
{
	TupleDesc desc = RelationGetDescr(reader->relation);

	for (int i = 0; i < desc->natts; i++)
		appendStringInfo(
			sql, "%s%s", i == 0 ? " " : ", ",
			reader->needed[i]
				? quote_identifier(NameStr(TupleDescAttr(desc, i)->attname))
				: "NULL");
}

/* (a, b) > ('x'::int, 'y'::text) */
static void
put_bound(StringInfo sql, const TableKey *key, Relation relation,
		  const char *operator, char ** values)
{
	appendStringInfoString(sql, " AND (");
	etf_put_key_columns(sql, key, relation, "");
	appendStringInfo(sql, ") %s (", operator);
	etf_put_key_values(sql, key, relation, values);
	appendStringInfoChar(sql, ')');
}

static void
put_keys(StringInfo sql, const TableKey *key, Relation relation,
		 const TextArray *keys)
{
	appendStringInfoString(sql, " AND (");
	etf_put_key_columns(sql, key, relation, "");
	appendStringInfoString(sql, ") IN (");
	for (int i = 0; i < keys->count; i += key->ncolumns)
	{
		appendStringInfoString(sql, i == 0 ? "(" : ", (");
		etf_put_key_values(sql, key, relation, keys->items + i);
		appendStringInfoChar(sql, ')');
	}
	appendStringInfoChar(sql, ')');
}

static void
put_blocks(StringInfo sql, const ReadRange *range)
{
	uint64 end = (uint64) range->from_block + range->blocks;

	appendStringInfo(sql, " AND ctid >= '(%u,0)' AND ctid < '(%u,0)'",
					 range->from_block, (BlockNumber) Min(end, MaxBlockNumber));
}

char *
etf_read_statement(const TableReader *reader, const ReadRange *range)
{
	const TableKey *key = &reader->key;
	Relation relation = reader->relation;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT");
	put_columns(&sql, reader);
	etf_put_from(&sql, relation);
	appendStringInfoString(&sql, " WHERE true");
	if (range->by_block)
		put_blocks(&sql, range);
	if (range->after != NULL)
		put_bound(&sql, key, relation, ">", range->after);
	if (range->upto != NULL)
		put_bound(&sql, key, relation, "<=", range->upto);
	if (range->keys != NULL)
		put_keys(&sql, key, relation, range->keys);
	if (range->filter != NULL)
		etf_put_filter(&sql, " AND", range->filter);
	if (!range->by_block && key->ncolumns > 0)
	{
		appendStringInfoString(&sql, " ORDER BY ");
		etf_put_key_columns(&sql, key, relation, "");
	}
	return sql.data;
}
