/*
 * table_patterns.c
 *		Which patterns of tables and columns match nothing there is?
 *
 * Used by control.c.  common/option/pattern.c has the rules of patterns; one that
 * breaks them is refused when the stream starts.
 */
#include "client/link/table_patterns.h"

#include <string.h>

#include "common/option/mask.h"

static const struct
{
	const char *option;
	int parts;
} lists[] = {
	{"include_tables", 2},
	{"include_columns", 3},
	{"exclude_columns", 3},
	{"mask_columns", 3},
};

/* As a pattern of LIKE. */
static void
put_like(StrBuf *sql, PatternPart part)
{
	StrBuf like = {0};

	for (const char *p = part.text; p < part.text + part.len; p++)
	{
		bool escaped = *p == '\\';

		p += escaped;
		if (*p == '*' && !escaped)
			strbuf_puts(&like, "%");
		else
		{
			strbuf_puts(&like, strchr("%_\\", *p) != NULL ? "\\" : "");
			strbuf_put(&like, p, 1);
		}
	}
	if (part.text != NULL)
		strbuf_put_literal(sql, strbuf_text(&like));
	else
		strbuf_puts(sql, "NULL");
	strbuf_free(&like);
}

/* ('include_tables', 'public.*', 'public', '%', NULL) */
static void
put_pattern(StrBuf *rows, const char *option, const char *text, size_t len,
			const Pattern *pattern)
{
	StrBuf whole = {0};

	strbuf_put(&whole, text, len);
	strbuf_puts(rows, rows->len > 0 ? ", (" : "(");
	strbuf_put_literal(rows, option);
	strbuf_puts(rows, ", ");
	strbuf_put_literal(rows, strbuf_text(&whole));
	strbuf_puts(rows, ", ");
	put_like(rows, pattern->schema);
	strbuf_puts(rows, ", ");
	put_like(rows, pattern->name);
	strbuf_puts(rows, ", ");
	put_like(rows, pattern->column);
	strbuf_puts(rows, ")");
	strbuf_free(&whole);
}

static bool
take(const char *option, int parts, const char **list, Pattern *pattern)
{
	Mask mask;

	return strcmp(option, "mask_columns") == 0
			   ? mask_next(list, pattern, &mask)
			   : pattern_next(list, parts, pattern);
}

/* What is malformed matches nothing, and neither does what is behind it. */
static void
put_list(StrBuf *rows, const char *option, int parts, const char *list)
{
	static const Pattern nothing = {.schema = {NULL, 0}};

	while (list != NULL)
	{
		const char *rest = list;
		Pattern pattern;
		PatternPart last;

		if (!take(option, parts, &list, &pattern))
		{
			put_pattern(rows, option, rest, strlen(rest), &nothing);
			return;
		}
		last = parts == 3 ? pattern.column : pattern.name;
		put_pattern(rows, option, pattern.schema.text,
					(size_t) (last.text + last.len - pattern.schema.text),
					&pattern);
	}
}

static void
put_patterns(StrBuf *sql, StrBuf *rows)
{
	strbuf_putf(sql,
				"(VALUES %s) AS p (option, pattern, schema, name, attribute)",
				strbuf_text(rows));
	sql->failed |= rows->failed;
	strbuf_free(rows);
}

bool
tables_are_named(const PairList *options)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
	{
		if (pairs_get(options, lists[i].option) != NULL)
			return true;
	}
	return false;
}

/* Rows come under the names of ordinary tables, partitions among them. */
void
tables_build(const PairList *options, StrBuf *sql)
{
	StrBuf rows = {0};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		put_list(&rows, lists[i].option, lists[i].parts,
				 pairs_get(options, lists[i].option));
	strbuf_puts(sql, "SELECT option, pattern FROM ");
	put_patterns(sql, &rows);
	strbuf_puts(
		sql, " WHERE NOT EXISTS (SELECT FROM pg_class AS c "
			 "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
			 "WHERE (c.relkind = 'r' OR c.relkind = 'p' AND attribute <> '') "
			 "AND n.nspname::text LIKE p.schema "
			 "AND c.relname::text LIKE p.name AND (attribute IS NULL "
			 "OR EXISTS (SELECT FROM pg_attribute AS a "
			 "WHERE a.attrelid = c.oid AND a.attnum > 0 "
			 "AND NOT a.attisdropped "
			 "AND a.attname::text LIKE p.attribute)))");
}

static void
put_exists(StrBuf *sql, const char *patterns)
{
	StrBuf rows = {0};

	put_list(&rows, "", 2, patterns);
	strbuf_puts(sql, "EXISTS (SELECT FROM ");
	put_patterns(sql, &rows);
	strbuf_puts(sql, " WHERE n.nspname::text LIKE p.schema "
					 "AND c.relname::text LIKE p.name)");
}

/* Those of an extension are its own business, ours among them. */
static const char of_nobody[] =
	"AND NOT EXISTS (SELECT FROM pg_depend AS d "
	"WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid "
	"AND d.deptype = 'e') ";

void
tables_build_matching(const char *include, const char *exclude, StrBuf *sql)
{
	strbuf_puts(sql,
				"SELECT n.nspname AS schema, c.relname AS name, "
				"c.relreplident IN ('f', 'i') OR c.relreplident = 'd' AND "
				"EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid "
				"AND i.indisprimary AND i.indimmediate) AS identity "
				"FROM pg_class AS c JOIN pg_namespace AS n "
				"ON n.oid = c.relnamespace WHERE c.relkind = 'r' "
				"AND pg_relation_is_publishable(c.oid) ");
	strbuf_puts(sql, of_nobody);
	strbuf_puts(sql, "AND ");
	if (include != NULL)
		put_exists(sql, include);
	else
		strbuf_puts(sql, "false");
	if (exclude == NULL)
		return;
	strbuf_puts(sql, " AND NOT ");
	put_exists(sql, exclude);
}
