/*
 * backfill_request.c
 *		The statement that reads a chunk, or a range, of a table.
 *
 * The other half of backfill_reader.c.
 */
#include "client/backfill/backfill_reader.h"

void
reader_put_begin(const char *snapshot, StrBuf *sql)
{
	strbuf_puts(sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ");
	if (snapshot == NULL)
		return;
	strbuf_puts(sql, "SET TRANSACTION SNAPSHOT ");
	strbuf_put_literal(sql, snapshot);
	strbuf_puts(sql, "; ");
}

static void
put_begin(const Reader *reader, const ReadRequest *request, StrBuf *sql)
{
	reader_put_begin(request->snapshot, sql);
	/* The snapshot is that of the next statement: a lock needs none. */
	if (request->name != NULL)
	{
		strbuf_puts(sql, "LOCK TABLE ONLY ");
		strbuf_put_quoted(sql, request->schema, '"');
		strbuf_puts(sql, ".");
		strbuf_put_quoted(sql, request->name, '"');
		strbuf_puts(sql, " IN ACCESS SHARE MODE; ");
	}
	if (request->snapshot == NULL)
		strbuf_putf(sql, "SELECT %s.etf_horizon() AS horizon; ",
					reader->schema);
}

void
reader_put_options(const Settings *settings, StrBuf *sql)
{
	const PairList *options = &settings->options;

	strbuf_puts(sql, "ARRAY[");
	for (size_t i = 0; i < options->count; i++)
	{
		StrBuf option = {0};

		strbuf_putf(&option, "%s=%s", options->items[i].name,
					options->items[i].value);
		strbuf_puts(sql, i == 0 ? "" : ", ");
		if (option.failed)
			sql->failed = true;
		else
			strbuf_put_literal(sql, option.data);
		strbuf_free(&option);
	}
	strbuf_puts(sql, "]::pg_catalog.text[]");
}

static void
put_tag(const ReadRequest *request, StrBuf *sql)
{
	const unsigned char *bytes = request->tag;

	strbuf_puts(sql, "E'\\\\x");
	for (size_t i = 0; i < request->tag_len; i++)
		strbuf_putf(sql, "%02x", bytes[i]);
	strbuf_puts(sql, "'::pg_catalog.bytea");
}

static void
put_keys(const ReadRequest *request, StrBuf *sql)
{
	strbuf_puts(sql, ", keys => ARRAY[");
	for (uint32_t i = 0; i < request->key_count; i++)
	{
		strbuf_puts(sql, i == 0 ? "" : ", ");
		texts_put(&request->keys[i], sql);
	}
	strbuf_puts(sql, "]");
}

static void
put_range(const ReadRequest *request, StrBuf *sql)
{
	if (request->by_blocks)
		strbuf_putf(sql, ", from_block => %llu",
					(unsigned long long) request->from_block);
	if (request->by_blocks && request->blocks > 0)
		strbuf_putf(sql, ", blocks => %llu",
					(unsigned long long) request->blocks);
	if (request->after != NULL && request->after->count > 0)
	{
		strbuf_puts(sql, ", after => ");
		texts_put(request->after, sql);
	}
	if (request->upto != NULL && request->upto->count > 0)
	{
		strbuf_puts(sql, ", upto => ");
		texts_put(request->upto, sql);
	}
	if (request->key_count > 0)
		put_keys(request, sql);
	if (request->max_bytes > 0)
		strbuf_putf(sql, ", max_bytes => %llu",
					(unsigned long long) request->max_bytes);
}

void
reader_build(const Reader *reader, const ReadRequest *request, StrBuf *sql)
{
	put_begin(reader, request, sql);
	strbuf_putf(sql, "COPY (SELECT %s.etf_read(%lu::pg_catalog.oid, ",
				reader->schema, (unsigned long) request->oid);
	reader_put_options(request->settings, sql);
	strbuf_puts(sql, ", ");
	put_tag(request, sql);
	put_range(request, sql);
	if (request->filter != NULL && request->filter[0] != '\0')
	{
		strbuf_puts(sql, ", filter => ");
		strbuf_put_literal(sql, request->filter);
	}
	if (request->filenode != 0)
		strbuf_putf(sql, ", filenode => %lu::pg_catalog.oid",
					(unsigned long) request->filenode);
	if (request->told_as != 0)
		strbuf_putf(sql, ", told_as => %lu::pg_catalog.oid",
					(unsigned long) request->told_as);
	strbuf_puts(sql, ")) TO STDOUT (FORMAT binary); COMMIT");
}
