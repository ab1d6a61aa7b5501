/*
 * filter.h
 *		Patterns of table names and message prefixes.
 *
 * "*" stands for any run of characters, a backslash makes the next character
 * an ordinary one (also "." and ","), everything else, case included, must
 * match as it is.
 */
#ifndef ETF_FILTER_H
#define ETF_FILTER_H

#include "nodes/pg_list.h"

#include "plugin/options.h"

typedef struct EtfPattern
{
	char *schema; /* NULL in a pattern of one part */
	char *name;
} EtfPattern;

/*
 * Parse a comma-separated list of "schema.table" (parts = 2) or "prefix"
 * (parts = 1) patterns.  NULL when the text is malformed; *bad then is where
 * the pattern begins that is.
 */
extern List *etf_patterns_parse(const char *text, int parts, const char **bad);

extern bool etf_patterns_match(const List *patterns, const char *schema,
							   const char *name);

/* What the options say of a table and of a message. */
extern bool etf_table_wanted(const EtfOptions *options, const char *schema,
							 const char *table);
extern bool etf_message_wanted(const EtfOptions *options, const char *prefix);

#endif
