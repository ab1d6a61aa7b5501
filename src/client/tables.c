/*
 * tables.c
 *		Which patterns of tables match nothing there is?
 *
 * Used by control.c.  src/plugin/filter.c has the rules of patterns; one that
 * breaks them is refused when the stream starts.
 */
#include "client/tables.h"

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
	strbuf_put_literal(sql, like.data != NULL ? like.data : "");
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
	strbuf_put_literal(sql, whole.data != NULL ? whole.data : "");
	strbuf_puts(sql, ", ");
	strbuf_puts(sql, parts.data != NULL ? parts.data : "");
	strbuf_puts(sql, ")");
	strbuf_free(&whole);
	strbuf_free(&parts);
}

/* Rows come under the names of ordinary tables, partitions among them. */
void
tables_build(const char *patterns, StrBuf *sql)
{
	strbuf_puts(sql, "SELECT pattern FROM (VALUES ");
	put_pattern(sql, &patterns);
	while (*patterns == ',')
	{
		patterns++;
		strbuf_puts(sql, ", ");
		put_pattern(sql, &patterns);
	}
	strbuf_puts(sql, ") AS p (pattern, schema, name) WHERE NOT EXISTS "
					 "(SELECT FROM pg_class AS c JOIN pg_namespace AS n "
					 "ON n.oid = c.relnamespace WHERE c.relkind = 'r' "
					 "AND n.nspname::text LIKE p.schema "
					 "AND c.relname::text LIKE p.name)");
}
