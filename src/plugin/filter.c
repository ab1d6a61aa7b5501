/*
 * filter.c
 *		Which tables and messages a client wants.
 *
 * options.c parses the patterns at start; relation.c asks once per plan, so
 * nothing here runs per row.  Matching is by byte, which is right in every
 * server encoding: none has ASCII bytes inside a multi-byte character.
 */
#include "postgres.h"

#include "plugin/filter.h"

/*
 * Copy the next part, up to an unescaped separator, and move *text there.
 * NULL when it is empty, ends in a backslash that escapes nothing, or begins
 * with a quote, as names in SQL may, which would match nothing here.
 */
static char *
next_part(const char **text, const char *separators)
{
	const char *start;
	const char *p = *text;
	const char *end;

	while (*p == ' ')
		p++;
	start = end = p;
	if (*p == '"')
		return NULL;
	while (*p != '\0' && strchr(separators, *p) == NULL)
	{
		bool escaped = p[0] == '\\';

		if (escaped && p[1] == '\0')
			return NULL;
		p += 1 + escaped;
		if (escaped || p[-1] != ' ')
			end = p;
	}
	*text = p;
	return end > start ? pnstrdup(start, end - start) : NULL;
}

static EtfPattern *
next_pattern(const char **text, int parts)
{
	EtfPattern *pattern = palloc0(sizeof(EtfPattern));

	if (parts == 2)
	{
		pattern->schema = next_part(text, ".,");
		if (pattern->schema == NULL || **text != '.')
			return NULL;
		(*text)++;
	}
	pattern->name = next_part(text, parts == 2 ? ".," : ",");
	return (pattern->name == NULL || **text == '.') ? NULL : pattern;
}

List *
etf_patterns_parse(const char *text, int parts, const char **bad)
{
	List *patterns = NIL;

	for (;;)
	{
		EtfPattern *pattern;

		*bad = text;
		pattern = next_pattern(&text, parts);
		if (pattern == NULL)
			return NIL;
		patterns = lappend(patterns, pattern);
		if (*text == '\0')
			return patterns;
		text++;
	}
}

/*
 * Match with one point to come back to: only the last "*" seen can need to
 * take more, so the work is at worst the product of the lengths.
 */
static bool
glob_match(const char *pattern, const char *text)
{
	const char *star = NULL;
	const char *resume = NULL;

	while (*text != '\0')
	{
		bool escaped = *pattern == '\\';

		if (*pattern == '*')
		{
			star = ++pattern;
			resume = text;
		}
		else if (pattern[escaped] == *text)
		{
			pattern += 1 + escaped;
			text++;
		}
		else if (star != NULL)
		{
			pattern = star;
			text = ++resume;
		}
		else
			return false;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool
etf_patterns_match(const List *patterns, const char *schema, const char *name)
{
	ListCell *cell;

	foreach (cell, patterns)
	{
		const EtfPattern *pattern = lfirst(cell);

		if ((pattern->schema == NULL || glob_match(pattern->schema, schema)) &&
			glob_match(pattern->name, name))
			return true;
	}
	return false;
}

bool
etf_table_wanted(const EtfOptions *options, const char *schema,
				 const char *table)
{
	if (options->include_tables != NIL &&
		!etf_patterns_match(options->include_tables, schema, table))
		return false;
	return !etf_patterns_match(options->exclude_tables, schema, table);
}

bool
etf_message_wanted(const EtfOptions *options, const char *prefix)
{
	return options->messages &&
		   (options->message_prefixes == NIL ||
			etf_patterns_match(options->message_prefixes, NULL, prefix));
}
