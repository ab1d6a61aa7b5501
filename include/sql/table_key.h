/*
 * table_key.h
 *		The columns by which the rows of a table are told apart and ordered.
 */
#ifndef ETF_SQL_TABLE_KEY_H
#define ETF_SQL_TABLE_KEY_H

#include "lib/stringinfo.h"
#include "utils/rel.h"

#include "sql/arguments.h"

typedef struct TableKey
{
	int ncolumns; /* 0: rows cannot be told apart */
	AttrNumber attnums[INDEX_MAX_KEYS];
	Oid collations[INDEX_MAX_KEYS]; /* the index's */
} TableKey;

/* The replica identity's index; the primary key under FULL. */
extern TableKey etf_table_key(Relation relation);

extern const char *etf_key_column(const TableKey *key, Relation relation,
								  int column);

/* a, b COLLATE "C": to compare and to order by; "more" follows each. */
extern void etf_put_key_columns(StringInfo sql, const TableKey *key,
								Relation relation, const char *more);

/* 'x'::int, 'y'::text: one key, whose columns are texts. */
extern void etf_put_key_values(StringInfo sql, const TableKey *key,
							   Relation relation, char **values);

/* A text[] of the key's columns in a row, as their output functions have it. */
extern Datum etf_key_of_row(const TableKey *key, Relation relation,
							const Datum *values);

#endif
