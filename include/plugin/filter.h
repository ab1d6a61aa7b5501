/*
 * filter.h
 *		A list of patterns that is split further.
 */
#ifndef ETF_FILTER_H
#define ETF_FILTER_H

#include "nodes/pg_list.h"

typedef struct EtfPattern
{
	char *schema; /* NULL: any */
	char *name;
} EtfPattern;

/* A list of EtfPattern that have a name only; NIL when the text is malformed. */
extern List *etf_patterns_parse(const char *text);

extern bool etf_patterns_match(const List *patterns, const char *schema,
							   const char *name);

#endif
