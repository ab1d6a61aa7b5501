/*
 * plan.c
 *		Which tables are to be read: the question, and the answer.
 *
 * plan_merge.c has what an earlier round left of them.
 */
#include "client/backfill/plan.h"

#include <stdlib.h>
#include <string.h>

#include "client/backfill/published_query.h"
#include "client/base/printable.h"
#include "common/option/pattern.h"

/*
 * The versions of the collations of the key's index: with another one its
 * order may be another.
 */
#define KEY_COLLATION                                                       \
	"(SELECT pg_catalog.string_agg(pg_catalog.pg_collation_actual_version(" \
	"u.c), ',' ORDER BY u.n) FROM pg_catalog.pg_index AS i, "               \
	"pg_catalog.unnest(i.indcollation::pg_catalog.oid[]) "                  \
	"WITH ORDINALITY AS u (c, n) WHERE i.indrelid = t.relid AND u.c <> 0 "  \
	"AND CASE t.identity WHEN 'i' THEN i.indisreplident "                   \
	"ELSE i.indisprimary END)"

/*
 * Rows of a table that was never analyzed: as many as would fit, if what has
 * no fixed size took so many bytes.
 */
#define GUESSED_WIDTH                                                   \
	"(SELECT pg_catalog.sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE " \
	"32 END) FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = "     \
	"t.relid AND a.attnum > 0 AND NOT a.attisdropped)"

#define PAGE_HEADER_SIZE 24
#define ROW_HEADER_SIZE 28 /* with its pointer */

/* LOCK TABLE looks at no column's privileges; any one of these will do. */
static const char *
enough_to_lock(int server_version)
{
	if (server_version >= 170000)
		return "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, MAINTAIN";
	if (server_version >= 160000)
		return "SELECT, INSERT, UPDATE, DELETE, TRUNCATE";
	return "SELECT";
}

/*
 * The ancestors of partitions as the snapshot has them, while functions have
 * them as of now.  Where the two differ, so may what rows are told as.
 */
static void
put_ancestors(int server_version, StrBuf *sql)
{
	strbuf_puts(sql, " LEFT JOIN (WITH RECURSIVE ");
	published_put_levels(server_version, sql);
	strbuf_puts(sql, " SELECT oid, pg_catalog.array_agg(relid ORDER BY level) "
					 "AS ancestors FROM levels WHERE level "
					 "OPERATOR(pg_catalog.>) 0 GROUP BY oid) AS was "
					 "ON was.oid OPERATOR(pg_catalog.=) t.relid");
}

static const char of_snapshot[] =
	"(SELECT pg_catalog.pg_export_snapshot()) AS snapshot, "
	"was.ancestors IS DISTINCT FROM (SELECT pg_catalog.array_agg("
	"p.relid::pg_catalog.oid) FROM pg_catalog.pg_partition_ancestors(t.relid) "
	"AS p WHERE p.relid OPERATOR(pg_catalog.<>) t.relid) AS reattached, ";

static void
put_columns(const Reader *reader, StrBuf *sql)
{
	strbuf_puts(sql, "t.relid, t.schema, t.name, t.pages, "
					 "t.toast_pages, t.rows, t.key, t.identity, "
					 "c.relfilenode AS filenode, t.readable, t.reason, "
					 "t.told_as, " KEY_COLLATION " AS collation");
	strbuf_putf(sql,
				", pg_catalog.has_table_privilege(t.relid, '%s') AS lockable",
				enough_to_lock(PQserverVersion(reader->db.conn)));
	strbuf_putf(sql,
				", t.pages * (%u - %d) / (%d + COALESCE(" GUESSED_WIDTH
				", 0)) AS guessed_rows",
				reader->block_size, PAGE_HEADER_SIZE, ROW_HEADER_SIZE);
}

static void
put_tables(const Reader *reader, const Settings *settings, const char *patterns,
		   StrBuf *sql)
{
	strbuf_putf(sql, " FROM %s.etf_tables(", reader->schema);
	reader_put_options(settings, sql);
	strbuf_puts(sql, ", ");
	if (patterns != NULL)
		strbuf_put_literal(sql, patterns);
	else
		strbuf_puts(sql, "NULL");
	strbuf_puts(sql, ") AS t JOIN pg_catalog.pg_class AS c "
					 "ON c.oid OPERATOR(pg_catalog.=) t.relid");
}

/*
 * The file of a table is the one that the snapshot sees: another one by now
 * has no rows for it.  A table that it does not see was made since.
 */
void
plan_build(const Reader *reader, const Settings *settings, const char *patterns,
		   const char *snapshot, StrBuf *sql)
{
	if (snapshot != NULL)
		reader_put_begin(snapshot, sql);
	strbuf_puts(sql, "SELECT ");
	if (snapshot != NULL)
		strbuf_puts(sql, of_snapshot);
	put_columns(reader, sql);
	put_tables(reader, settings, patterns, sql);
	if (snapshot != NULL)
		put_ancestors(PQserverVersion(reader->db.conn), sql);
}

static const char *
value(const PGresult *result, int row, const char *column)
{
	int number = PQfnumber(result, column);

	return number < 0 || PQgetisnull(result, row, number)
			   ? ""
			   : PQgetvalue(result, row, number);
}

static uint64_t
number(const PGresult *result, int row, const char *column)
{
	return strtoull(value(result, row, column), NULL, 10);
}

static void
note_unreadable(const PGresult *result, int row, StrBuf *unreadable)
{
	if (value(result, row, "readable")[0] == 't')
		return;
	strbuf_putf(unreadable, "%s%s.%s (%s)", unreadable->len > 0 ? ", " : "",
				value(result, row, "schema"), value(result, row, "name"),
				value(result, row, "reason"));
}

static bool
take_table(const PGresult *result, int row, BackfillTable *table)
{
	const char *key = value(result, row, "key");

	table->oid = (uint32_t) number(result, row, "relid");
	table->filenode = (uint32_t) number(result, row, "filenode");
	table->identity = value(result, row, "identity")[0];
	table->pages = number(result, row, "pages");
	table->toast_pages = number(result, row, "toast_pages");
	table->known_rows = strtod(value(result, row, "rows"), NULL);
	table->guessed_rows = strtod(value(result, row, "guessed_rows"), NULL);
	table->lockable = value(result, row, "lockable")[0] == 't';
	table->reattached = value(result, row, "reattached")[0] == 't';
	table->schema = strdup(value(result, row, "schema"));
	table->name = strdup(value(result, row, "name"));
	table->told_as = (uint32_t) number(result, row, "told_as");
	table->collation = strdup(value(result, row, "collation"));
	return table->schema != NULL && table->name != NULL &&
		   table->collation != NULL &&
		   (key[0] == '\0' || texts_parse(&table->key, key));
}

static bool
is_wanted(const PGresult *result, int row, const Published *published,
		  const char *patterns)
{
	return published == NULL ||
		   published_wants(published, patterns,
						   value(result, row, "told_schema"),
						   value(result, row, "told_name"));
}

bool
plan_is_missing(const BackfillState *plan, const BackfillState *state,
				const char *patterns)
{
	return plan->count == 0 && state->count == 0 && patterns != NULL &&
		   strchr(patterns, '*') == NULL;
}

/* What is told as its root has that one's name. */
static bool
is_matched(const BackfillState *plan, const Pattern *pattern)
{
	for (uint32_t i = 0; i < plan->count; i++)
	{
		const BackfillTable *table = &plan->tables[i];

		if (table->told_as != table->oid ||
			(pattern_part_matches(pattern->schema, table->schema) &&
			 pattern_part_matches(pattern->name, table->name)))
			return true;
	}
	return false;
}

void
plan_put_unmatched(const BackfillState *plan, const char *patterns,
				   StrBuf *unmatched)
{
	Pattern pattern;

	while (patterns != NULL && pattern_next(&patterns, 2, &pattern))
	{
		const char *start = pattern.schema.text;
		const char *end = pattern.name.text + pattern.name.len;

		if (is_matched(plan, &pattern))
			continue;
		strbuf_puts(unmatched, unmatched->len > 0 ? ", " : "");
		strbuf_put(unmatched, start, (size_t) (end - start));
	}
	if (unmatched->data != NULL)
		make_printable(unmatched->data);
}

bool
plan_take(const PGresult *result, const Published *published,
		  const char *patterns, BackfillState *plan, StrBuf *unreadable)
{
	for (int row = 0; row < PQntuples(result); row++)
	{
		BackfillTable *table;

		if (!is_wanted(result, row, published, patterns))
			continue;
		table = backfill_state_add(plan);
		if (table == NULL || !take_table(result, row, table))
			return false;
		note_unreadable(result, row, unreadable);
	}
	if (unreadable->data != NULL)
		make_printable(unreadable->data);
	backfill_state_sort(plan);
	return !unreadable->failed;
}

void
plan_put_check(const Reader *reader, const Settings *settings, uint32_t oid,
			   const char *where, StrBuf *sql)
{
	strbuf_putf(sql,
				"SELECT pg_catalog.count(*) FROM (SELECT %s.etf_read("
				"%lu::pg_catalog.oid, ",
				reader->schema, (unsigned long) oid);
	reader_put_options(settings, sql);
	strbuf_puts(sql, ", 'j'::pg_catalog.bytea, from_block => 0, blocks => 0, "
					 "filter => ");
	strbuf_put_literal(sql, where);
	strbuf_puts(sql, ")) AS nothing");
}

/* That of a class is about settings, servers and their logs. */
static bool
is_hint_of_class(const char *hint)
{
	for (int i = 0; i < FAILURE_CLASSES; i++)
		if (strcmp(hint, failure_info((FailureClass) i)->hint) == 0)
			return true;
	return false;
}

void
plan_name_condition(Failure *failure, const BackfillTable *table,
					const char *where)
{
	const char *more = failure->hint;
	StrBuf hint = {0};

	strbuf_putf(&hint, "The condition for table %s.%s is: %s", table->schema,
				table->name, where);
	if (!is_hint_of_class(more))
		strbuf_putf(&hint, ". %s", more);
	if (!hint.failed)
	{
		make_printable(hint.data);
		failure_hint(failure, "%s", hint.data);
	}
	strbuf_free(&hint);
}
