/*
 * inc_moved.c
 *		Rows that have moved to another key, to be read at the end.
 */
#include <string.h>

#include "client/backfill/inc_parts.h"
#include "client/backfill/incremental.h"
#include "common/term/read.h"

/* Beyond these a table is quicker read from its start. */
#define MOVED_MAX 20000

static uint32_t
column_place(const BackfillTable *table, const Term *name)
{
	uint32_t i = 0;

	while (i < table->key.count &&
		   (strlen(table->key.items[i]) != name->len ||
			memcmp(table->key.items[i], name->bytes, name->len) != 0))
		i++;
	return i;
}

static bool
read_column(TermReader *reader, const BackfillTable *table, Term *values)
{
	Term name;
	uint32_t place;

	if (!term_next(reader, &name) || name.kind != TERM_BINARY)
		return false;
	place = column_place(table, &name);
	return place < table->key.count && term_next(reader, &values[place]) &&
		   values[place].kind == TERM_BINARY;
}

/* #{Column => Text}, in the order of the table's key. */
static bool
read_key(TermReader *reader, const BackfillTable *table, Texts *key)
{
	Term values[TEXTS_MAX] = {{0}};
	Term map;

	if (!term_next(reader, &map) || map.kind != TERM_MAP ||
		map.count != table->key.count)
		return false;
	for (uint32_t i = 0; i < map.count; i++)
	{
		if (!read_column(reader, table, values))
			return false;
	}
	for (uint32_t i = 0; i < map.count; i++)
	{
		if (values[i].bytes == NULL ||
			!texts_add(key, (const char *) values[i].bytes, values[i].len))
			return false;
	}
	return true;
}

static bool
read_keys(TermReader *reader, BackfillTable *table)
{
	Term list;

	if (!term_next(reader, &list) ||
		(list.kind != TERM_LIST && list.kind != TERM_NIL))
		return false;
	for (uint32_t i = 0; list.kind == TERM_LIST && i < list.count; i++)
	{
		Texts key = {0};

		if (!read_key(reader, table, &key) || !table_add_moved(table, &key))
		{
			texts_free(&key);
			return false;
		}
	}
	return true;
}

static bool
is_all(const uint8_t *keys, size_t len)
{
	TermReader reader;
	Term term;

	term_read_init(&reader, keys, len);
	return term_next(&reader, &term) && term.kind == TERM_ATOM &&
		   term_is_atom(&term, "all");
}

/* A table that does not know its key yet, or not any more, begins anew. */
static bool
add_keys(Incremental *inc, uint32_t i, const uint8_t *keys, size_t len)
{
	BackfillTable *table = &inc->state.tables[i];
	TermReader reader;
	bool sound = true;

	term_read_init(&reader, keys, len);
	if (!is_all(keys, len))
		sound = read_keys(&reader, table);
	if (is_all(keys, len) || table->moved_count > MOVED_MAX)
		inc_restart(inc, i, "moved");
	return sound;
}

static void
changed(Incremental *inc, uint64_t number)
{
	inc->dirty = true;
	unkept_add(&inc->keys, inc->saving, number);
}

static bool
take_keys(Incremental *inc, uint64_t number, uint64_t rel, const uint8_t *keys,
		  size_t len)
{
	bool sound = true;

	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		const BackfillTable *table = &inc->state.tables[i];

		if (table->told_as != rel || table_is_over(table))
			continue;
		sound &= add_keys(inc, i, keys, len);
		changed(inc, number);
	}
	return sound;
}

bool
incremental_keys(Incremental *inc, uint64_t number, uint64_t rel,
				 const uint8_t *keys, size_t len)
{
	if (inc->stage == INC_ENDING)
		changed(inc, number); /* it wants none, once that is kept */
	else if (inc->stage >= INC_RUNNING)
		return take_keys(inc, number, rel, keys, len);
	else
		early_add(&inc->request.early, number, rel, keys, len);
	return true;
}

/* Nobody knows which tables they are of. */
static void
restart_all(Incremental *inc)
{
	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		if (!table_is_over(&inc->state.tables[i]))
			inc_restart(inc, i, "moved");
	}
	changed(inc, inc->request.early.first);
}

void
inc_moved_begin(Incremental *inc)
{
	EarlyKeys *early = &inc->request.early;
	const uint8_t *keys;
	uint64_t rel;
	size_t len;
	size_t at = 0;
	bool sound = true;

	if (early->lost)
		restart_all(inc);
	while (early_next(early, &at, &rel, &keys, &len))
		sound &= take_keys(inc, early->first, rel, keys, len);
	if (!sound)
		consumer_log(inc->consumer, "warning",
					 "backfill_keys: backfill \"%s\" has no such key",
					 inc->request.id);
	early_free(early);
}
