/*
 * state_write.c
 *		The state of a backfill as a term.
 *
 * The other half of backfill_state.c; state_read.c reads it.
 */
#include <ei.h>
#include <string.h>

#include "client/backfill/backfill_state.h"
#include "client/backfill/state_term.h"

/* A value that libei could not write fails all of it. */
typedef struct Writer
{
	ei_x_buff x;
	int failed;
} Writer;

static void
put_number(Writer *writer, uint64_t number)
{
	writer->failed |= ei_x_encode_ulonglong(&writer->x, number);
}

static void
put_text(Writer *writer, const char *text)
{
	const char *bytes = text != NULL ? text : "";

	writer->failed |=
		ei_x_encode_binary(&writer->x, bytes, (int) strlen(bytes));
}

static void
put_tuple(Writer *writer, int arity)
{
	writer->failed |= ei_x_encode_tuple_header(&writer->x, arity);
}

static void
put_atom(Writer *writer, const char *name)
{
	writer->failed |= ei_x_encode_atom(&writer->x, name);
}

static void
put_list(Writer *writer, uint32_t count)
{
	if (count > 0)
		writer->failed |= ei_x_encode_list_header(&writer->x, count);
}

static void
put_list_end(Writer *writer)
{
	writer->failed |= ei_x_encode_empty_list(&writer->x);
}

static void
put_texts(Writer *writer, const Texts *texts)
{
	put_list(writer, texts->count);
	for (uint32_t i = 0; i < texts->count; i++)
		put_text(writer, texts->items[i]);
	put_list_end(writer);
}

static void
put_ranges(Writer *writer, const BackfillTable *table)
{
	const Ranges *ranges = &table->ranges;

	if (table->order != ORDER_RANGES)
	{
		put_atom(writer, STATE_NO_RANGES);
		return;
	}
	put_tuple(writer, RANGES_ARITY);
	put_number(writer, ranges->blocks);
	put_number(writer, ranges->step);
	put_number(writer, ranges->count);
	writer->failed |= ei_x_encode_binary(&writer->x, ranges->done,
										 (int) (ranges->count + 7) / 8);
}

static void
put_moved(Writer *writer, const BackfillTable *table)
{
	put_list(writer, table->moved_count);
	for (uint32_t i = 0; i < table->moved_count; i++)
		put_texts(writer, &table->moved[i]);
	put_list_end(writer);
}

static void
put_place(Writer *writer, const BackfillTable *table)
{
	put_ranges(writer, table);
	put_number(writer, table->next_block);
	put_texts(writer, &table->last);
	put_atom(writer, table->keyed ? "true" : "false");
	put_texts(writer, &table->bound);
	put_moved(writer, table);
	put_number(writer, table->horizon);
	put_number(writer, table->rows);
	put_number(writer, table->bytes);
	put_number(writer, table->starts);
}

static void
put_table(Writer *writer, const BackfillTable *table)
{
	put_tuple(writer, TABLE_ARITY);
	put_number(writer, table->oid);
	put_number(writer, table->told_as);
	put_number(writer, table->filenode);
	put_text(writer, table->schema);
	put_text(writer, table->name);
	put_number(writer, (uint8_t) table->identity);
	put_texts(writer, &table->key);
	put_text(writer, table->collation);
	put_text(writer, table->where);
	put_number(writer, table->pages);
	put_number(writer, table->toast_pages);
	writer->failed |= ei_x_encode_double(&writer->x, table->known_rows);
	put_atom(writer, backfill_orders[table->order]);
	put_atom(writer, backfill_statuses[table->status]);
	put_place(writer, table);
}

static void
put_state(Writer *writer, const BackfillState *state)
{
	put_tuple(writer, STATE_ARITY);
	put_number(writer, STATE_VERSION);
	put_atom(writer, backfill_modes[state->mode]);
	put_text(writer, state->slot);
	put_text(writer, state->system_identifier);
	put_number(writer, state->timeline);
	put_text(writer, state->patterns);
	put_number(writer, state->chunk);
	put_list(writer, state->count);
	for (uint32_t i = 0; i < state->count; i++)
		put_table(writer, &state->tables[i]);
	put_list_end(writer);
}

char *
backfill_state_encode(const BackfillState *state, size_t *len)
{
	Writer writer = {.failed = 0};

	if (ei_x_new_with_version(&writer.x) != 0)
		return NULL;
	put_state(&writer, state);
	*len = (size_t) writer.x.index;
	if (writer.failed == 0)
		return writer.x.buff;
	ei_x_free(&writer.x);
	return NULL;
}
