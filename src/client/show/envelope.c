/*
 * envelope.c
 *		Changes as Debezium's connector for PostgreSQL sends them.
 *
 * Called by show_json.c for each event.
 */
#include "client/show/envelope.h"

#include <string.h>
#include <time.h>

#include "client/show/envelope_value.h"
#include "client/show/json_quote.h"
#include "client/show/show_relation.h"

/* What Debezium sends in place of a value that is not in the WAL. */
#define UNAVAILABLE "__debezium_unavailable_value"

static bool
is_unavailable(const TermReader *reader)
{
	TermReader ahead = *reader;
	Term term;

	return term_next(&ahead, &term) &&
		   (term_is_atom(&term, "unchanged_toast") ||
			term_is_atom(&term, "unchanged"));
}

static bool
put_unavailable(Show *show, TermReader *reader, const ColumnType *type)
{
	bool array = type != NULL && type->form == TYPE_ARRAY;
	const ColumnType *scalar = array ? type->part : type;

	strbuf_puts(show->out, array ? "[" : "");
	if (scalar != NULL && scalar->oid == 17)
		envelope_put_base64(show->out, (const uint8_t *) UNAVAILABLE,
							strlen(UNAVAILABLE));
	else
		json_quote(show->out, UNAVAILABLE);
	strbuf_puts(show->out, array ? "]" : "");
	return term_skip(reader);
}

/* A column of a row, under its name; without one the number is it. */
static bool
put_column(Event *event, const ShowRelation *relation, uint32_t column)
{
	Show *show = event->show;
	const ColumnType *type = NULL;

	if (column < relation->column_count)
	{
		type = &relation->columns[column].type;
		strbuf_putf(show->out, "%s:", relation->columns[column].name);
	}
	else
		strbuf_putf(show->out, "\"%u\":", column + 1);
	if (is_unavailable(event->reader))
		return put_unavailable(show, event->reader, type);
	return envelope_put_value(show, event->reader, type);
}

static bool
put_row(Event *event, const ShowRelation *relation, bool key_only)
{
	Term row;
	uint32_t column = 0;

	if (!term_next(event->reader, &row))
		return false;
	if (row.kind != TERM_TUPLE)
		return term_fail(event->reader,
						 "row is not a tuple: debezium needs rows=tuple");
	strbuf_puts(event->show->out, "{");
	for (uint32_t i = 0; i < row.count; i++, column++)
	{
		while (key_only && column < relation->column_count &&
			   !relation->columns[column].key)
			column++;
		strbuf_puts(event->show->out, i > 0 ? "," : "");
		if (!put_column(event, relation, column))
			return false;
	}
	strbuf_puts(event->show->out, "}");
	return true;
}

/* nil | none | {key, Row} | {full, Row} */
static bool
put_old(Event *event, const ShowRelation *relation)
{
	Term old;
	Term kind;

	if (!term_next(event->reader, &old))
		return false;
	if (old.kind == TERM_ATOM)
	{
		strbuf_puts(event->show->out, "null");
		return true;
	}
	if (old.kind != TERM_TUPLE || old.count != 2)
		return term_fail(event->reader, "old row is not a tuple of 2");
	return term_next_atom(event->reader, &kind, "old row has no kind") &&
		   put_row(event, relation, term_is_atom(&kind, "key"));
}

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
put_times(StrBuf *out, int64_t us)
{
	strbuf_putf(out, "\"ts_ms\":%lld,\"ts_us\":%lld,\"ts_ns\":%lld000",
				(long long) (us / 1000), (long long) us, (long long) us);
}

static const char *
name_or_null(const char *quoted)
{
	return quoted != NULL ? quoted : "\"\"";
}

/* A row that was read has no place among changes. */
static void
put_sequence(Event *event, uint64_t lsn)
{
	StrBuf *out = event->show->out;

	if (event->head->kind == FRAME_READ)
		strbuf_putf(out, ",\"sequence\":\"[null,\\\"%llu\\\"]\",",
					(unsigned long long) lsn);
	else
		strbuf_putf(out, ",\"sequence\":\"[\\\"%llu\\\",\\\"%llu\\\"]\",",
					(unsigned long long) lsn,
					(unsigned long long) event->index);
}

/* Of a change that is read there is no transaction. */
static void
put_source(Event *event, const char *schema, const char *table, bool snapshot)
{
	const Show *show = event->show;
	const FrameHead *head = event->head;
	uint64_t lsn = head->commit_lsn;
	StrBuf *out = show->out;

	if (head->kind == FRAME_READ)
		lsn = show->read_lsn;
	else if (head->kind == FRAME_MESSAGE)
		lsn = head->end_lsn - 1;
	strbuf_puts(out, "\"source\":{\"version\":\"" ETF_VERSION
					 "\",\"connector\":\"postgresql\",\"name\":");
	json_quote(out, show->source_name != NULL ? show->source_name : "");
	strbuf_putf(out,
				",\"snapshot\":\"%s\",\"db\":", snapshot ? "true" : "false");
	json_quote(out, show->source_db != NULL ? show->source_db : "");
	put_sequence(event, lsn);
	put_times(out, head->commit_time != 0 ? head->commit_time : now_us());
	strbuf_putf(out,
				",\"schema\":%s,\"table\":%s,\"txId\":", name_or_null(schema),
				name_or_null(table));
	if (head->xid != 0)
		strbuf_putf(out, "%u", head->xid);
	else
		strbuf_puts(out, "null");
	strbuf_putf(out, ",\"lsn\":%llu,\"xmin\":null}", (unsigned long long) lsn);
}

static void
end_line(Event *event, const char *op)
{
	StrBuf *out = event->show->out;

	strbuf_putf(out, ",\"transaction\":null,\"op\":\"%s\",", op);
	put_times(out, now_us());
	strbuf_puts(out, "}\n");
}

static const ShowRelation *
read_table(Event *event)
{
	static const ShowRelation unknown = {.id = 0};
	const ShowRelation *relation;
	uint64_t id;

	if (!term_next_uint64(event->reader, &id, "relation is not a number"))
		return NULL;
	relation = show_find_relation(event->show, id);
	return relation != NULL ? relation : &unknown;
}

bool
envelope_put_change(Event *event, const char *op, bool has_old, bool has_new)
{
	const ShowRelation *relation = read_table(event);
	StrBuf *out = event->show->out;

	if (relation == NULL)
		return false;
	strbuf_puts(out, "{\"before\":");
	if (!has_old)
		strbuf_puts(out, "null");
	else if (!put_old(event, relation))
		return false;
	strbuf_puts(out, ",\"after\":");
	if (!has_new)
		strbuf_puts(out, "null");
	else if (!put_row(event, relation, false))
		return false;
	strbuf_puts(out, ",");
	put_source(event, relation->schema, relation->table, *op == 'r');
	end_line(event, op);
	return true;
}

bool
envelope_put_truncate(Event *event)
{
	StrBuf *out = event->show->out;
	Term relations;

	if (!term_next(event->reader, &relations))
		return false;
	if (relations.kind != TERM_LIST)
		return term_fail(event->reader, "truncate without relations");
	for (uint32_t i = 0; i < relations.count; i++)
	{
		const ShowRelation *relation = read_table(event);

		if (relation == NULL)
			return false;
		strbuf_puts(out, "{\"before\":null,\"after\":null,");
		put_source(event, relation->schema, relation->table, false);
		end_line(event, "t");
	}
	return term_skip(event->reader) && term_skip(event->reader);
}

/* Its content is bytes. */
bool
envelope_put_message(Event *event)
{
	StrBuf *out = event->show->out;
	StrBuf prefix = {0};
	Term content;
	bool done;

	event->show->out = &prefix;
	done = show_term(event->show, event->reader);
	event->show->out = out;
	if (done && term_next(event->reader, &content))
	{
		strbuf_puts(out, "{");
		put_source(event, NULL, NULL, false);
		strbuf_putf(out, ",\"message\":{\"prefix\":%s,\"content\":",
					prefix.data != NULL ? prefix.data : "\"\"");
		if (content.kind == TERM_BINARY)
			envelope_put_base64(out, content.bytes, content.len);
		else
			strbuf_puts(out, "null");
		strbuf_puts(out, "}");
		end_line(event, "m");
	}
	out->failed |= prefix.failed;
	strbuf_free(&prefix);
	return done && (content.kind != TERM_TUPLE ||
					(term_skip(event->reader) && term_skip(event->reader)));
}
