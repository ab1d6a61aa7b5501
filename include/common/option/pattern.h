/*
 * pattern.h
 *		Lists of patterns: of tables, of their columns, of message prefixes.
 *
 * Patterns are separated by commas, the parts of one by dots.  "*" stands
 * for any run of characters, a backslash makes the next character an ordinary
 * one (also "." and ","), everything else, case included, must match as it is.
 *
 * Matching is by byte, which is right in every encoding of a server: none has
 * ASCII bytes inside a multi-byte character.
 */
#ifndef ETF_OPTION_PATTERN_H
#define ETF_OPTION_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* A pattern, or a part of one, where it stands in its list. */
typedef struct PatternPart
{
	const char *text; /* NULL: the list's patterns have no such part */
	size_t len;
} PatternPart;

typedef struct Pattern
{
	PatternPart schema;
	PatternPart name;
	PatternPart column;
} Pattern;

/*
 * Take a pattern of one, two (schema.table) or three parts (schema.table.column)
 * that ends before a separator or with the text, and move *text there; a dot
 * is a separator of more parts than one.  False: it is malformed.
 */
extern bool pattern_take(const char **text, int parts, const char *separators,
						 Pattern *pattern);

/*
 * Take the next pattern, and move *text behind it and its
 * comma; to NULL behind the last one.  False: it is malformed.
 */
extern bool pattern_next(const char **text, int parts, Pattern *pattern);

/* NULL when every pattern of a list is sound; else where the first bad is. */
extern const char *patterns_bad(const char *text, int parts);

extern bool pattern_part_matches(PatternPart part, const char *text);

/* Does one of a sound list match? */
extern bool patterns_match_name(const char *list, const char *name);
extern bool patterns_match_table(const char *list, const char *schema,
								 const char *name);
extern bool patterns_match_column(const char *list, const char *schema,
								  const char *table, const char *column);

extern bool pattern_matches_column(const Pattern *pattern, const char *schema,
								   const char *table, const char *column);

#endif
