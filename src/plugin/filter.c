/*
 * filter.c
 *		A list of patterns that is split further.
 *
 * common/option/pattern.c has the rules; pg_etf_beam gives the parts of a
 * pattern a meaning of its own.
 */
#include "postgres.h"

#include "common/option/pattern.h"
#include "plugin/filter.h"

List *
etf_patterns_parse(const char *text)
{
	List *patterns = NIL;
	Pattern next;

	while (text != NULL)
	{
		EtfPattern *pattern = palloc(sizeof(EtfPattern));

		if (!pattern_next(&text, 1, &next))
			return NIL;
		pattern->schema = NULL;
		pattern->name = pnstrdup(next.name.text, next.name.len);
		patterns = lappend(patterns, pattern);
	}
	return patterns;
}

static bool
matches(const char *pattern, const char *text)
{
	return pattern_part_matches((PatternPart){pattern, strlen(pattern)}, text);
}

bool
etf_patterns_match(const List *patterns, const char *schema, const char *name)
{
	ListCell *cell;

	foreach (cell, patterns)
	{
		const EtfPattern *pattern = lfirst(cell);

		if ((pattern->schema == NULL || matches(pattern->schema, schema)) &&
			matches(pattern->name, name))
			return true;
	}
	return false;
}
