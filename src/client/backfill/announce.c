/*
 * announce.c
 *		What the consumer is told of a backfill.
 */
#include "client/backfill/announce.h"

#include <stdio.h>

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* "public.orders" */
typedef struct TableName
{
	char text[2 * 64 + 2];
} TableName;

static TableName
name_of(const BackfillTable *table)
{
	TableName name;

	snprintf(name.text, sizeof(name.text), "%s.%s", table->schema, table->name);
	return name;
}

static void
tell(const Listener *to, const char *name, const Field *fields, size_t count)
{
	consumer_backfill(to->consumer, name, to->id, fields, count);
}

static uint64_t
rows_left(const BackfillTable *table)
{
	double rows = table_rows(table);

	return rows > (double) table->rows ? (uint64_t) rows - table->rows : 0;
}

void
announce_started(const Listener *to, const BackfillState *state,
				 uint32_t block_size)
{
	uint64_t tables = 0;
	uint64_t rows = 0;
	uint64_t pages = 0;

	for (uint32_t i = 0; i < state->count; i++)
	{
		const BackfillTable *table = &state->tables[i];

		if (table_is_over(table))
			continue;
		tables++;
		rows += rows_left(table);
		pages += table->pages + table->toast_pages;
	}

	tell(to, "started",
		 (Field[]){field_atom("mode", "incremental"),
				   field_number("tables", tables), field_number("rows", rows),
				   field_number("bytes", pages * block_size)},
		 4);
}

void
announce_open(const Listener *to, const BackfillTable *table, uint64_t chunk)
{
	const Field fields[] = {
		field_number("chunk", chunk), field_number("rel", table->told_as),
		field_texts("key", (const char *const *) table->key.items,
					table->key.count)};

	tell(to, "open", fields, COUNT(fields));
}

void
announce_there(const Listener *to, uint64_t chunk)
{
	const Field fields[] = {field_number("chunk", chunk)};

	tell(to, "there", fields, COUNT(fields));
}

void
announce_close(const Listener *to, const BackfillTable *table, uint64_t chunk,
			   uint64_t lsn, uint64_t rows, uint64_t bytes)
{
	const Field fields[] = {
		field_number("chunk", chunk), field_number("lsn", lsn),
		field_number("rel", table->told_as), field_number("rows", rows),
		field_number("bytes", bytes)};

	tell(to, "close", fields, COUNT(fields));
}

void
announce_retry(const Listener *to, uint64_t chunk, const char *reason)
{
	const Field fields[] = {field_number("chunk", chunk),
							field_text("reason", reason)};

	tell(to, "retry", fields, COUNT(fields));
}

void
announce_table(const Listener *to, const char *name, const BackfillTable *table,
			   const char *reason)
{
	TableName full = name_of(table);
	const Field fields[] = {
		field_text("table", full.text), field_number("rel", table->told_as),
		field_number("rows", table->rows), field_number("bytes", table->bytes),
		field_atom("reason", reason)};

	tell(to, name, fields, COUNT(fields));
}

void
announce_table_failed(const Listener *to, const BackfillTable *table,
					  const Failure *failure)
{
	TableName full = name_of(table);
	const Field fields[] = {field_text("table", full.text),
							field_number("rel", table->told_as),
							field_text("message", failure->message),
							field_text("hint", failure->hint),
							field_text("sqlstate", failure->sqlstate)};

	tell(to, "table_failed", fields, COUNT(fields));
}

void
announce_progress(const Listener *to, const BackfillTable *table,
				  const TableRead *read, uint64_t bytes)
{
	TableName full = name_of(table);
	const Estimate estimate = estimate_of(read);
	const Field fields[] = {field_text("table", full.text),
							field_number("rows", read->rows),
							field_number("bytes", bytes),
							field_number("estimate", estimate.rows),
							field_number("percent", estimate.percent),
							field_number("rate", estimate.rate),
							field_number("eta", estimate.eta)};

	tell(to, "progress", fields, COUNT(fields));
}

void
announce_end(const Listener *to, const char *name, const BackfillState *state)
{
	uint64_t rows = 0;
	uint64_t bytes = 0;
	uint64_t done = 0;

	for (uint32_t i = 0; i < state->count; i++)
	{
		rows += state->tables[i].rows;
		bytes += state->tables[i].bytes;
		done += table_is_over(&state->tables[i]);
	}

	tell(to, name,
		 (Field[]){field_number("tables", done), field_number("rows", rows),
				   field_number("bytes", bytes)},
		 3);
}

void
announce_failed(const Listener *to, const Failure *failure)
{
	const Field fields[] = {
		field_atom("class", failure_info(failure->class)->name),
		field_text("message", failure->message),
		field_text("hint", failure->hint),
		field_text("sqlstate", failure->sqlstate)};

	tell(to, "failed", fields, COUNT(fields));
}
