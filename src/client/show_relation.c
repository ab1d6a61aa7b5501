/*
 * show_relation.c
 *		Names of tables and columns, as relation events gave them.
 *
 * For show_json.c.  A table is known by its OID until it is announced anew.
 */
#include <stdlib.h>

#include "client/show.h"

static void
relation_free(ShowRelation *relation)
{
	for (uint32_t i = 0; i < relation->column_count; i++)
		free(relation->columns[i].name);
	free(relation->columns);
	free(relation->schema);
	free(relation->table);
}

void
show_free_relations(Show *show)
{
	for (size_t i = 0; i < show->relation_count; i++)
		relation_free(&show->relations[i]);
	free(show->relations);
	show->relations = NULL;
	show->relation_count = 0;
}

ShowRelation *
show_find_relation(const Show *show, uint64_t id)
{
	for (size_t i = 0; i < show->relation_count; i++)
	{
		if (show->relations[i].id == id)
			return &show->relations[i];
	}
	return NULL;
}

/* The place of a relation, emptied if it was known. */
static ShowRelation *
new_relation(Show *show, uint64_t id)
{
	ShowRelation *relation = show_find_relation(show, id);

	if (relation != NULL)
		relation_free(relation);
	else
	{
		ShowRelation *relations = realloc(
			show->relations, (show->relation_count + 1) * sizeof(ShowRelation));

		if (relations == NULL)
			return NULL;
		show->relations = relations;
		relation = &relations[show->relation_count++];
	}
	*relation = (ShowRelation){.id = id};
	return relation;
}

/* The next term as JSON text of its own; NULL when that fails. */
char *
show_read_name(Show *show, TermReader *reader)
{
	StrBuf *out = show->out;
	StrBuf name = {0};
	bool done;

	show->out = &name;
	done = show_term(show, reader);
	show->out = out;
	if (done && !name.failed)
		return name.data;
	strbuf_free(&name);
	return NULL;
}

/* {Name, TypeOid, TypeName, Typmod, Flags} */
static bool
read_column(Show *show, TermReader *reader, ShowColumn *column)
{
	Term flags;
	Term flag;

	if (!term_next_tuple(reader, 5, "column is not a tuple of 5"))
		return false;
	column->name = show_read_name(show, reader);
	if (column->name == NULL || !term_skip(reader) || !term_skip(reader) ||
		!term_skip(reader) || !term_next(reader, &flags))
		return false;
	if (flags.kind != TERM_LIST)
		return true;
	for (uint32_t i = 0; i < flags.count; i++)
	{
		TermReader ahead = *reader;

		column->key |= term_next(&ahead, &flag) && term_is_atom(&flag, "key");
		if (!term_skip(reader))
			return false;
	}
	return term_skip(reader);
}

/* {relation, Rel, Schema, Table, Identity, Columns} */
bool
show_read_relation(Show *show, TermReader *reader)
{
	ShowRelation *relation;
	uint64_t id;
	Term columns;

	if (!term_next_uint64(reader, &id, "relation is not a number"))
		return false;
	relation = new_relation(show, id);
	if (relation == NULL)
		return term_fail(reader, "out of memory");
	relation->schema = show_read_name(show, reader);
	relation->table = show_read_name(show, reader);
	if (!term_skip(reader) || !term_next(reader, &columns))
		return false;
	if (columns.kind != TERM_LIST)
		return true;
	relation->columns = calloc(columns.count, sizeof(ShowColumn));
	if (relation->columns == NULL)
		return term_fail(reader, "out of memory");
	for (uint32_t i = 0; i < columns.count; i++)
	{
		relation->column_count++;
		if (!read_column(show, reader, &relation->columns[i]))
			return false;
	}
	return term_skip(reader);
}
