/*
 * show_relation.c
 *		Names of tables and columns, as relation events gave them.
 *
 * For show_json.c.  A table is known by its OID until it is described again.
 */
#include "client/show/show_relation.h"

#include <stdlib.h>
#include <string.h>

#include "client/show/json_quote.h"

static void
relation_free(ShowRelation *relation)
{
	for (uint32_t i = 0; i < relation->column_count; i++)
	{
		free(relation->columns[i].name);
		column_type_free(&relation->columns[i].type);
	}
	free(relation->columns);
	free(relation->schema);
	free(relation->table);
}

static void
free_relations(Show *show)
{
	for (size_t i = 0; i < show->relation_count; i++)
		relation_free(&show->relations[i]);
	free(show->relations);
	show->relations = NULL;
	show->relation_count = 0;
}

void
show_free_relations(Show *show)
{
	free_relations(show);
	show_swap_relations(show);
	free_relations(show);
}

void
show_swap_relations(Show *show)
{
	ShowRelation *relations = show->relations;
	size_t count = show->relation_count;

	show->relations = show->read_relations;
	show->relation_count = show->read_count;
	show->read_relations = relations;
	show->read_count = count;
}

/* How many relations come before this one. */
static size_t
place_of(const Show *show, uint64_t id)
{
	size_t low = 0;
	size_t high = show->relation_count;

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (show->relations[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

ShowRelation *
show_find_relation(const Show *show, uint64_t id)
{
	size_t place = place_of(show, id);

	return place < show->relation_count && show->relations[place].id == id
			   ? &show->relations[place]
			   : NULL;
}

/* Room for a relation that is not known yet. */
static ShowRelation *
insert_relation(Show *show, uint64_t id)
{
	size_t place = place_of(show, id);
	ShowRelation *relations = realloc(
		show->relations, (show->relation_count + 1) * sizeof(ShowRelation));

	if (relations == NULL)
		return NULL;
	show->relations = relations;
	memmove(relations + place + 1, relations + place,
			(show->relation_count++ - place) * sizeof(ShowRelation));
	return relations + place;
}

/* The place of a relation, emptied if it was known. */
static ShowRelation *
new_relation(Show *show, uint64_t id)
{
	ShowRelation *relation = show_find_relation(show, id);

	if (relation != NULL)
		relation_free(relation);
	else
		relation = insert_relation(show, id);
	if (relation != NULL)
		*relation = (ShowRelation){.id = id};
	return relation;
}

/* JSON text of something else than a string, as a string. */
static void
quote(StrBuf *name)
{
	StrBuf quoted = {0};

	json_quote(&quoted, name->data);
	strbuf_free(name);
	*name = quoted;
}

/*
 * The next term as a JSON string; NULL when that fails.  A name is a binary,
 * an atom (keys=atom; nil is a name like any other then), or {unconverted,
 * Bytes}.
 */
char *
show_read_name(Show *show, TermReader *reader)
{
	StrBuf *out = show->out;
	const char *null = show->null;
	StrBuf name = {0};
	bool done;

	show->out = &name;
	show->null = "";
	done = show_term(show, reader) && !name.failed;
	show->out = out;
	show->null = null;
	if (done && name.data[0] != '"')
		quote(&name);
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
	if (column->name == NULL || !column_type_read(reader, &column->type) ||
		!term_next(reader, &flags))
		return false;
	if (flags.kind != TERM_LIST)
		return true;
	for (uint32_t i = 0; i < flags.count; i++)
	{
		TermReader ahead = *reader;

		if (!term_skip(reader) || !term_next(&ahead, &flag))
			return false;
		column->key |= term_is_atom(&flag, "key");
		if (flag.kind == TERM_TUPLE && term_next(&ahead, &flag) &&
			term_is_atom(&flag, "as") &&
			!column_type_read_shape(&ahead, &column->type))
			return term_fail(reader, "a shape is none");
	}
	return term_skip(reader);
}

static void
tell_keyless(const Show *show, const ShowRelation *relation,
			 const Term *identity)
{
	if (show->keyless == NULL || term_is_atom(identity, "full"))
		return;
	for (uint32_t i = 0; i < relation->column_count; i++)
	{
		if (relation->columns[i].key)
			return;
	}
	show->keyless(show->keyless_arg, relation->schema, relation->table);
}

static bool
read_columns(Show *show, TermReader *reader, ShowRelation *relation)
{
	Term columns;

	if (!term_next(reader, &columns))
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

/* From the stream, or from what was read. */
static bool
is_known(Show *show, uint64_t id)
{
	bool known = show_find_relation(show, id) != NULL;

	show_swap_relations(show);
	known |= show_find_relation(show, id) != NULL;
	show_swap_relations(show);
	return known;
}

/* {relation, Rel, Schema, Table, Identity, Columns} */
bool
show_read_relation(Show *show, TermReader *reader)
{
	ShowRelation *relation;
	uint64_t id;
	Term identity;
	bool known;

	if (!term_next_uint64(reader, &id, "relation is not a number"))
		return false;
	known = is_known(show, id);
	relation = new_relation(show, id);
	if (relation == NULL)
		return term_fail(reader, "out of memory");
	relation->schema = show_read_name(show, reader);
	relation->table = show_read_name(show, reader);
	if (!term_next(reader, &identity) || !read_columns(show, reader, relation))
		return false;
	if (!known && relation->schema != NULL && relation->table != NULL)
		tell_keyless(show, relation, &identity);
	return true;
}
