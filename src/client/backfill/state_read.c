/*
 * state_read.c
 *		The state of a backfill, from bytes that are not to be trusted.
 *
 * The other half of backfill_state.c; state_write.c writes them.
 */
#include <stdlib.h>
#include <string.h>

#include "client/backfill/backfill_state.h"
#include "client/backfill/state_term.h"
#include "common/term/read.h"

#define TEXT_MAX (1u << 20)
#define KNOWN_ROWS_MAX 1e18

static const char *const booleans[] = {"false", "true"};
static const char *const no_ranges[] = {STATE_NO_RANGES};

static bool
take_number(TermReader *reader, uint64_t *number, uint64_t max)
{
	static const char error[] = "a number is not what it can be";

	return term_next_uint64(reader, number, error) &&
		   (*number <= max || term_fail(reader, error));
}

static bool
take_oid(TermReader *reader, uint32_t *oid)
{
	uint64_t number;

	if (!take_number(reader, &number, UINT32_MAX))
		return false;
	*oid = (uint32_t) number;
	return true;
}

static bool
take_name(TermReader *reader, const char *const *names, size_t count,
		  size_t *number)
{
	static const char error[] = "an atom is not one of those that can be";
	Term term;

	if (!term_next_atom(reader, &term, error))
		return false;
	for (*number = 0; *number < count; (*number)++)
	{
		if (term_is_atom(&term, names[*number]))
			return true;
	}
	return term_fail(reader, error);
}

static bool
take_bool(TermReader *reader, bool *value)
{
	size_t number;

	if (!take_name(reader, booleans, 2, &number))
		return false;
	*value = number != 0;
	return true;
}

static bool
is_text(const Term *term)
{
	return term->kind == TERM_BINARY && term->len <= TEXT_MAX &&
		   (term->len == 0 || memchr(term->bytes, '\0', term->len) == NULL);
}

static bool
take_text(TermReader *reader, char **text)
{
	Term term;

	if (!term_next(reader, &term))
		return false;
	if (!is_text(&term))
		return term_fail(reader, "a text is none");
	*text = strndup((const char *) term.bytes, term.len);
	return *text != NULL || term_fail(reader, "out of memory");
}

/* How many items follow, before the end of the list. */
static bool
take_list(TermReader *reader, uint32_t *count)
{
	Term term;

	if (!term_next(reader, &term))
		return false;
	*count = term.kind == TERM_LIST ? term.count : 0;
	return term.kind == TERM_LIST || term.kind == TERM_NIL ||
		   term_fail(reader, "a list is none");
}

static bool
take_list_end(TermReader *reader, uint32_t count)
{
	Term term;

	if (count == 0)
		return true;
	return term_next(reader, &term) &&
		   (term.kind == TERM_NIL || term_fail(reader, "a list has no end"));
}

static bool
take_texts(TermReader *reader, Texts *texts)
{
	uint32_t count;
	Term term;

	if (!take_list(reader, &count))
		return false;
	for (uint32_t i = 0; i < count; i++)
	{
		if (!term_next(reader, &term))
			return false;
		if (!is_text(&term) ||
			!texts_add(texts, (const char *) term.bytes, term.len))
			return term_fail(reader, "a key is not one");
	}
	return take_list_end(reader, count);
}

/* Only bits of ranges that are there. */
static bool
take_done(TermReader *reader, Ranges *ranges)
{
	Term term;

	if (!term_next(reader, &term))
		return false;
	if (term.kind != TERM_BINARY || term.len != (ranges->count + 7) / 8)
		return term_fail(reader, "the ranges that are done are not so many");
	for (uint32_t i = 0; i < term.len * 8; i++)
	{
		if ((term.bytes[i / 8] >> (i % 8) & 1) == 0)
			continue;
		if (i >= ranges->count)
			return term_fail(reader, "a range is done that is not there");
		ranges_set_done(ranges, i);
	}
	return true;
}

static bool
are_consistent(const Ranges *ranges)
{
	uint64_t needed = (ranges->blocks + ranges->step - 1) / ranges->step;

	return ranges->count == (needed > 0 ? needed : 1);
}

static bool
take_ranges(TermReader *reader, Ranges *ranges)
{
	TermReader before = *reader;
	uint64_t count = 0;
	size_t none;

	if (take_name(reader, no_ranges, 1, &none))
		return true;
	*reader = before;
	if (!term_next_tuple(reader, RANGES_ARITY, "ranges are not a tuple") ||
		!take_number(reader, &ranges->blocks, UINT32_MAX) ||
		!take_number(reader, &ranges->step, UINT32_MAX) ||
		!take_number(reader, &count, RANGES_MAX))
		return false;
	ranges->count = (uint32_t) count;
	if (ranges->step == 0 || !are_consistent(ranges))
		return term_fail(reader, "ranges do not cover the table");
	return take_done(reader, ranges);
}

/* Whole keys, or nothing of them could be asked for. */
static bool
take_moved(TermReader *reader, BackfillTable *table)
{
	uint32_t count;

	if (!take_list(reader, &count))
		return false;
	for (uint32_t i = 0; i < count; i++)
	{
		Texts key = {0};

		if (!take_texts(reader, &key) || key.count != table->key.count ||
			!table_add_moved(table, &key))
		{
			texts_free(&key);
			return term_fail(reader, "a moved row has no key");
		}
	}
	return take_list_end(reader, count);
}

static bool
take_place(TermReader *reader, BackfillTable *table)
{
	return take_ranges(reader, &table->ranges) &&
		   take_number(reader, &table->next_block, UINT32_MAX) &&
		   take_texts(reader, &table->last) &&
		   take_bool(reader, &table->keyed) &&
		   take_texts(reader, &table->bound) && take_moved(reader, table) &&
		   take_number(reader, &table->horizon, UINT64_MAX) &&
		   take_number(reader, &table->rows, UINT64_MAX) &&
		   take_number(reader, &table->bytes, UINT64_MAX) &&
		   take_oid(reader, &table->starts);
}

static bool
take_identity(TermReader *reader, char *identity)
{
	uint64_t letter;

	if (!take_number(reader, &letter, INT8_MAX))
		return false;
	*identity = (char) letter;
	return (letter != 0 && strchr("difn", (int) letter) != NULL) ||
		   term_fail(reader, "a replica identity is none");
}

static bool
take_known_rows(TermReader *reader, double *rows)
{
	Term term;

	if (!term_next(reader, &term))
		return false;
	if (term.kind != TERM_FLOAT || term.real > KNOWN_ROWS_MAX)
		return term_fail(reader, "an estimate is not a number");
	*rows = term.real;
	return true;
}

/* A key that is cut off would read a part of the table again, or not at all. */
static bool
is_sound(const BackfillTable *table)
{
	uint32_t columns = table->key.count;
	bool by_keys = table->order == ORDER_KEYS;

	if (table->name[0] == '\0' || table->schema[0] == '\0')
		return false;
	if ((table->order == ORDER_RANGES) != (table->ranges.count > 0))
		return false;
	if (by_keys && columns == 0)
		return false;
	return (table->last.count == 0 || table->last.count == columns) &&
		   (table->bound.count == 0 || table->bound.count == columns);
}

static bool
take_table(TermReader *reader, BackfillTable *table)
{
	size_t order;
	size_t status;

	if (!term_next_tuple(reader, TABLE_ARITY, "a table is not such a tuple") ||
		!take_oid(reader, &table->oid) || !take_oid(reader, &table->told_as) ||
		!take_oid(reader, &table->filenode) ||
		!take_text(reader, &table->schema) ||
		!take_text(reader, &table->name) ||
		!take_identity(reader, &table->identity) ||
		!take_texts(reader, &table->key) ||
		!take_text(reader, &table->collation) ||
		!take_text(reader, &table->where) ||
		!take_number(reader, &table->pages, UINT32_MAX) ||
		!take_number(reader, &table->toast_pages, UINT32_MAX) ||
		!take_known_rows(reader, &table->known_rows) ||
		!take_name(reader, backfill_orders, BACKFILL_ORDERS, &order) ||
		!take_name(reader, backfill_statuses, BACKFILL_STATUSES, &status))
		return false;
	table->order = (BackfillOrder) order;
	table->status = (TableStatus) status;
	return take_place(reader, table) &&
		   (is_sound(table) || term_fail(reader, "a table is not sound"));
}

/* Each one has to be there before it takes memory. */
static bool
take_tables(TermReader *reader, BackfillState *state)
{
	BackfillTable *table;
	uint32_t count;

	if (!take_list(reader, &count))
		return false;
	for (uint32_t i = 0; i < count; i++)
	{
		table = backfill_state_add(state);
		if (table == NULL)
			return term_fail(reader, "out of memory");
		if (!take_table(reader, table))
			return false;
	}
	return take_list_end(reader, count);
}

static bool
take_state(TermReader *reader, BackfillState *state)
{
	uint64_t version = 0;
	size_t mode;

	if (!term_read_version(reader) ||
		!term_next_tuple(reader, STATE_ARITY, "not the state of a backfill") ||
		!take_number(reader, &version, UINT32_MAX))
		return false;
	if (version != STATE_VERSION)
		return term_fail(reader, "the state is of another version");
	if (!take_name(reader, backfill_modes, BACKFILL_MODES, &mode))
		return false;
	state->mode = (BackfillMode) mode;
	return take_text(reader, &state->slot) &&
		   take_text(reader, &state->system_identifier) &&
		   take_number(reader, &state->timeline, UINT32_MAX) &&
		   take_text(reader, &state->patterns) &&
		   take_number(reader, &state->chunk, UINT64_MAX) &&
		   take_tables(reader, state);
}

const char *
backfill_state_decode(const void *bytes, size_t len, BackfillState *state)
{
	TermReader reader;

	*state = (BackfillState){0};
	term_read_init(&reader, bytes, len);
	if (take_state(&reader, state) && !term_at_end(&reader))
		term_fail(&reader, "the state goes on behind its end");
	if (reader.error != NULL)
		backfill_state_free(state);
	return reader.error;
}
