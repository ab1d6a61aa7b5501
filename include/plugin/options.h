/*
 * options.h
 *		Options as START_REPLICATION or a SQL caller gives them.
 *
 * One table in common/option/table.c drives parsing, the errors that list what
 * is valid, and SQL's etf_options(), which docs/options.md is checked against.
 */
#ifndef ETF_OPTIONS_H
#define ETF_OPTIONS_H

#include "nodes/pg_list.h"

#include "common/option/table.h"

/*
 * Parse a List of DefElem into a new EtfOptions in the current memory context.
 * Raises an ERROR, which lists what is valid, for an unknown name, a bad value,
 * a missing value or a name given twice.
 */
extern EtfOptions *etf_options_parse(List *elements);

/* etf_option_words() in the current memory context. */
extern char *etf_option_valid_values(const EtfOption *option);

#endif
