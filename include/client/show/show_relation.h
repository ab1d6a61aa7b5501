/*
 * show_relation.h
 *		Names of tables and columns, as relation events gave them.
 */
#ifndef ETF_SHOW_RELATION_H
#define ETF_SHOW_RELATION_H

#include "client/show/column_type.h"
#include "client/show/show_term.h"

/* Names are kept as JSON prints them, with quotes. */
typedef struct ShowColumn
{
	char *name;
	bool key;
	ColumnType type;
} ShowColumn;

typedef struct ShowRelation
{
	uint64_t id;
	char *schema;
	char *table;
	ShowColumn *columns;
	uint32_t column_count;
} ShowRelation;

/* {relation, Rel, ...}, behind its tag */
extern bool show_read_relation(Show *show, TermReader *reader);
extern ShowRelation *show_find_relation(const Show *show, uint64_t id);
extern void show_free_relations(Show *show);

/* Those of the stream for those of rows that were read, or back. */
extern void show_swap_relations(Show *show);

/* The next term as a JSON string, to be freed; NULL when that fails. */
extern char *show_read_name(Show *show, TermReader *reader);

#endif
