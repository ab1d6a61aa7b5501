/*
 * pattern.c
 *		Lists of patterns: of tables, of their columns, of message prefixes.
 *
 * parse.c looks at them once; the plugin asks when it makes a plan, and for
 * each message, so a list is walked as it was given.
 */
#include "common/option/pattern.h"

#include <string.h>

/*
 * The next part, up to an unescaped separator, without spaces around; *text is
 * moved there.  False when it is empty, ends in a backslash that escapes
 * nothing, or begins with a quote, as names in SQL may, which would match
 * nothing here.
 */
static bool
next_part(const char **text, const char *separators, PatternPart *part)
{
	const char *p = *text;
	const char *end;

	while (*p == ' ')
		p++;
	part->text = end = p;
	if (*p == '"')
		return false;
	while (*p != '\0' && strchr(separators, *p) == NULL)
	{
		bool escaped = p[0] == '\\';

		if (escaped && p[1] == '\0')
			return false;
		p += 1 + escaped;
		if (escaped || p[-1] != ' ')
			end = p;
	}
	*text = p;
	part->len = (size_t) (end - part->text);
	return part->len > 0;
}

bool
pattern_take(const char **text, int parts, const char *separators,
			 Pattern *pattern)
{
	PatternPart *const places[] = {&pattern->schema, &pattern->name,
								   &pattern->column};
	int first = parts == 1 ? 1 : 0;
	int last = parts == 3 ? 2 : 1;

	*pattern = (Pattern){.schema = {NULL, 0}};
	for (int i = first; i <= last; i++)
	{
		if (!next_part(text, separators, places[i]))
			return false;
		if (i < last && *(*text)++ != '.')
			return false;
	}
	return parts == 1 || **text != '.';
}

/* A dot is nothing special in a pattern of one part. */
bool
pattern_next(const char **text, int parts, Pattern *pattern)
{
	const char *p = *text;

	if (!pattern_take(&p, parts, parts == 1 ? "," : ".,", pattern))
		return false;
	*text = *p == '\0' ? NULL : p + 1;
	return true;
}

const char *
patterns_bad(const char *text, int parts)
{
	Pattern pattern;

	while (text != NULL)
		if (!pattern_next(&text, parts, &pattern))
			return text;
	return NULL;
}

/*
 * Match with one point to come back to: only the last "*" seen can need to
 * take more, so the work is at worst the product of the lengths.
 */
bool
pattern_part_matches(PatternPart part, const char *text)
{
	const char *pattern = part.text;
	const char *end = part.text + part.len;
	const char *star = NULL;
	const char *resume = NULL;

	while (*text != '\0')
	{
		bool escaped = pattern < end && *pattern == '\\';

		if (pattern < end && *pattern == '*')
		{
			star = ++pattern;
			resume = text;
		}
		else if (pattern < end && pattern[escaped] == *text)
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
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

bool
patterns_match_name(const char *list, const char *name)
{
	Pattern pattern;

	while (list != NULL && pattern_next(&list, 1, &pattern))
		if (pattern_part_matches(pattern.name, name))
			return true;
	return false;
}

bool
pattern_matches_column(const Pattern *pattern, const char *schema,
					   const char *table, const char *column)
{
	return pattern_part_matches(pattern->schema, schema) &&
		   pattern_part_matches(pattern->name, table) &&
		   pattern_part_matches(pattern->column, column);
}

bool
patterns_match_column(const char *list, const char *schema, const char *table,
					  const char *column)
{
	Pattern pattern;

	while (list != NULL && pattern_next(&list, 3, &pattern))
		if (pattern_matches_column(&pattern, schema, table, column))
			return true;
	return false;
}

bool
patterns_match_table(const char *list, const char *schema, const char *name)
{
	Pattern pattern;

	while (list != NULL && pattern_next(&list, 2, &pattern))
		if (pattern_part_matches(pattern.schema, schema) &&
			pattern_part_matches(pattern.name, name))
			return true;
	return false;
}
