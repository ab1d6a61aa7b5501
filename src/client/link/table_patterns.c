/*
 * table_patterns.c
 *		Which patterns of tables match nothing there is?
 *
 * Used by control.c.  common/option/pattern.c has the rules of patterns; one that
 * breaks them is refused when the stream starts.
 */
#include "client/link/table_patterns.h"

#include <string.h>

/*
 * Up to an unescaped separator, as a pattern of LIKE; *text is moved there.
 * Spaces around do not count.
 */
static void
put_like(StrBuf *sql, const char **text, const char *separators)
{
	StrBuf like = {0};
	size_t end = 0;
	const char *p = *text + strspn(*text, " ");

	while (*p != '\0' && strchr(separators, *p) == NULL)
	{
		bool escaped = p[0] == '\\' && p[1] != '\0';

		p += escaped;
		if (*p == '*' && !escaped)
			strbuf_puts(&like, "%");
		else
		{
			strbuf_puts(&like, strchr("%_\\", *p) != NULL ? "\\" : "");
			strbuf_put(&like, p, 1);
		}
		if (*p++ != ' ' || escaped)
			end = like.len;
	}
	if (like.data != NULL)
		like.data[end] = '\0';
	strbuf_put_literal(sql, strbuf_text(&like));
	strbuf_free(&like);
	*text = p;
}

/* ('public.*', 'public', '%') */
static void
put_pattern(StrBuf *sql, const char **text)
{
	const char *start = *text + strspn(*text, " ");
	StrBuf whole = {0};
	StrBuf parts = {0};

	put_like(&parts, text, ".,");
	strbuf_puts(&parts, ", ");
	*text += **text == '.';
	put_like(&parts, text, ",");
	strbuf_put(&whole, start, (size_t) (*text - start));
	strbuf_puts(sql, "(");
	strbuf_put_literal(sql, strbuf_text(&whole));
	strbuf_puts(sql, ", ");
	strbuf_puts(sql, strbuf_text(&parts));
	strbuf_puts(sql, ")");
	strbuf_free(&whole);
	strbuf_free(&parts);
}

/* (VALUES ('public.*', 'public', '%')) AS p (pattern, schema, name) */
static void
put_patterns(StrBuf *sql, const char *patterns)
{
	strbuf_puts(sql, "(VALUES ");
	put_pattern(sql, &patterns);
	while (*patterns == ',')
	{
		patterns++;
		strbuf_puts(sql, ", ");
		put_pattern(sql, &patterns);
	}
	strbuf_puts(sql, ") AS p (pattern, schema, name)");
}

/* Rows come under the names of ordinary tables, partitions among them. */
void
tables_build(const char *patterns, StrBuf *sql)
{
	strbuf_puts(sql, "SELECT pattern FROM ");
	put_patterns(sql, patterns);
	strbuf_puts(sql, " WHERE NOT EXISTS "
					 "(SELECT FROM pg_class AS c JOIN pg_namespace AS n "
					 "ON n.oid = c.relnamespace WHERE c.relkind = 'r' "
					 "AND n.nspname::text LIKE p.schema "
					 "AND c.relname::text LIKE p.name)");
}

static void
put_exists(StrBuf *sql, const char *patterns)
{
	strbuf_puts(sql, "EXISTS (SELECT FROM ");
	put_patterns(sql, patterns);
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
