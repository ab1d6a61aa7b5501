/*
 * table_facts.c
 *		What pgoutput does not tell of the columns of a table.
 *
 * Of catalog.c; asked by plan.c.
 */
#include "client/source/table_facts.h"

#include <string.h>

#include "client/source/host.h"

typedef struct FactColumn
{
	char what; /* 'p', 'g' or 'o', see catalog_query.h */
	char *name;
	struct FactColumn *next;
} FactColumn;

typedef struct FactTable
{
	FactColumn *columns;
	bool asked;
} FactTable;

static FactTable *
get(TableFacts *facts, uint32_t relid)
{
	FactTable *table = oidmap_get(&facts->tables, relid);

	if (table != NULL)
		return table;
	table = source_scratch(NULL, sizeof(FactTable));
	*table = (FactTable){NULL, false};
	oidmap_put(&facts->tables, relid, table, source_scratch);
	strbuf_putf(&facts->met, "%u,", relid);
	return table;
}

void
table_facts_meet(TableFacts *facts, uint32_t relid)
{
	get(facts, relid);
}

void
table_facts_asked(TableFacts *facts, uint32_t relid)
{
	get(facts, relid)->asked = true;
}

bool
table_facts_known(const TableFacts *facts, uint32_t relid)
{
	const FactTable *table = oidmap_get(&facts->tables, relid);

	return table != NULL && table->asked;
}

static void
forget(FactTable *table)
{
	while (table->columns != NULL)
	{
		FactColumn *column = table->columns;

		table->columns = column->next;
		free(column->name);
		free(column);
	}
}

/* Of each table there is a row that says no more than that it was asked for. */
static void
put(FactTable *table, const Answer *answer)
{
	FactColumn *column;

	table->asked = true;
	if (answer_char(answer, "what") == 'k')
		return;
	column = source_scratch(NULL, sizeof(FactColumn));
	*column = (FactColumn){.what = answer_char(answer, "what"),
						   .name = source_copy(answer_text(answer, "name")),
						   .next = table->columns};
	table->columns = column;
}

void
table_facts_take(TableFacts *facts, Answer answer)
{
	int first = answer.row;

	for (; !answer_ends(&answer); answer.row++)
		if (answer_is_table(&answer))
			forget(get(facts, answer_oid(&answer, "oid")));
	for (answer.row = first; !answer_ends(&answer); answer.row++)
		if (answer_is_table(&answer))
			put(get(facts, answer_oid(&answer, "oid")), &answer);
}

static bool
has(const TableFacts *facts, uint32_t relid, char what, const char *name)
{
	const FactTable *table = oidmap_get(&facts->tables, relid);
	const FactColumn *column = table != NULL ? table->columns : NULL;

	for (; column != NULL; column = column->next)
		if (column->what == what && strcmp(column->name, name) == 0)
			return true;
	return false;
}

bool
table_facts_ours(const TableFacts *facts, uint32_t relid)
{
	return has(facts, relid, 'o', "");
}

bool
table_facts_primary(const TableFacts *facts, uint32_t relid, const char *column)
{
	return has(facts, relid, 'p', column);
}

bool
table_facts_generated(const TableFacts *facts, uint32_t relid,
					  const char *column)
{
	return has(facts, relid, 'g', column);
}

void
table_facts_free(TableFacts *facts)
{
	for (uint32_t i = 0; i < facts->tables.size; i++)
	{
		FactTable *table = facts->tables.slots[i].item;

		if (table != NULL)
			forget(table);
		free(table);
	}
	free(facts->tables.slots);
	strbuf_free(&facts->met);
	*facts = (TableFacts){.tables = {.size = 0}};
}
