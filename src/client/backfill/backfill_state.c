/*
 * backfill_state.c
 *		What is to be read of which tables, and what of it is done.
 *
 * state_write.c and state_read.c make it a term, and back.
 */
#include "client/backfill/backfill_state.h"

#include <stdlib.h>
#include <string.h>

const char *const backfill_modes[] = {"exact", "incremental"};
const char *const backfill_orders[] = {"ranges", "blocks", "keys"};
const char *const backfill_statuses[] = {"planned", "started", "done",
										 "dropped"};

bool
table_add_moved(BackfillTable *table, Texts *key)
{
	uint32_t size = table->moved_size > 0 ? 2 * table->moved_size : 4;
	Texts *moved;

	if (table->moved_count == table->moved_size)
	{
		moved = realloc(table->moved, size * sizeof(Texts));
		if (moved == NULL)
			return false;
		table->moved = moved;
		table->moved_size = size;
	}
	table->moved[table->moved_count++] = *key;
	*key = (Texts){0};
	return true;
}

void
table_drop_moved(BackfillTable *table, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		texts_free(&table->moved[i]);
	table->moved_count -= count;
	if (table->moved_count > 0)
		memmove(table->moved, table->moved + count,
				table->moved_count * sizeof(Texts));
}

void
table_restart(BackfillTable *table)
{
	table_drop_moved(table, table->moved_count);
	ranges_restart(&table->ranges);
	texts_free(&table->last);
	texts_free(&table->bound);
	table->keyed = false;
	table->next_block = 0;
	table->horizon = table->rows = table->bytes = 0;
	table->status = TABLE_PLANNED;
	table->starts++;
}

BackfillTable *
backfill_state_add(BackfillState *state)
{
	uint32_t count = state->count;
	BackfillTable *tables = state->tables;

	/* Full at each power of two. */
	if ((count & (count - 1)) == 0)
		tables = realloc(tables, (count > 0 ? 2 * (size_t) count : 1) *
									 sizeof(BackfillTable));
	if (tables == NULL)
		return NULL;
	state->tables = tables;
	tables[count] = (BackfillTable){0};
	state->count++;
	return &tables[count];
}

BackfillTable *
backfill_state_find(BackfillState *state, uint32_t oid)
{
	for (uint32_t i = 0; i < state->count; i++)
	{
		if (state->tables[i].oid == oid)
			return &state->tables[i];
	}
	return NULL;
}

static int
compare_size(const void *one, const void *other)
{
	const BackfillTable *a = one;
	const BackfillTable *b = other;
	uint64_t a_size = a->pages + a->toast_pages;
	uint64_t b_size = b->pages + b->toast_pages;

	if (a_size != b_size)
		return a_size > b_size ? -1 : 1;
	return a->oid < b->oid ? -1 : a->oid > b->oid;
}

void
backfill_state_sort(BackfillState *state)
{
	if (state->count > 0)
		qsort(state->tables, state->count, sizeof(BackfillTable), compare_size);
}

void
table_free(BackfillTable *table)
{
	free(table->schema);
	free(table->name);
	free(table->collation);
	free(table->where);
	texts_free(&table->key);
	texts_free(&table->last);
	texts_free(&table->bound);
	table_drop_moved(table, table->moved_count);
	free(table->moved);
	*table = (BackfillTable){0};
}

void
backfill_state_free(BackfillState *state)
{
	for (uint32_t i = 0; i < state->count; i++)
		table_free(&state->tables[i]);
	free(state->tables);
	free(state->slot);
	free(state->system_identifier);
	free(state->patterns);
	*state = (BackfillState){0};
}
