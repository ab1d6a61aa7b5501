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

void
announce_started(const Listener *to, const char *mode, const Sums *left)
{
	const Field fields[] = {
		field_atom("mode", mode), field_number("tables", left->tables),
		field_number("rows", left->rows), field_number("bytes", left->bytes)};

	tell(to, "started", fields, COUNT(fields));
}

void
announce_round(const Listener *to, uint64_t lsn, uint64_t tables)
{
	const Field fields[] = {field_number("lsn", lsn),
							field_number("tables", tables)};

	tell(to, "round", fields, COUNT(fields));
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
announce_anew(const Listener *to, const char *slot)
{
	consumer_log(to->consumer, "warning",
				 "slot \"%s\" was made anew, so all tables of backfill \"%s\" "
				 "are read from their start",
				 slot, to->id);
}

void
announce_delayed(const Listener *to, const Failure *failure, bool *told)
{
	if (!*told)
		consumer_log(to->consumer, "warning", "backfill \"%s\" has to wait: %s",
					 to->id, failure->message);
	*told = true;
}

void
announce_unkept(const Listener *to, const Failure *failure, bool *told)
{
	if (!*told)
		consumer_log(to->consumer, "warning",
					 "what is done of backfill \"%s\" could not be kept: %s",
					 to->id, failure->message);
	*told = true;
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

Sums
sums_done(const BackfillState *state)
{
	Sums sums = {0};

	for (uint32_t i = 0; i < state->count; i++)
	{
		sums.tables += table_is_over(&state->tables[i]);
		sums.rows += state->tables[i].rows;
		sums.bytes += state->tables[i].bytes;
	}
	return sums;
}

void
announce_end(const Listener *to, const char *name, const BackfillState *state)
{
	const Sums done = sums_done(state);
	const Field fields[] = {field_number("tables", done.tables),
							field_number("rows", done.rows),
							field_number("bytes", done.bytes)};

	tell(to, name, fields, COUNT(fields));
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
