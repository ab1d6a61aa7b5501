/*
 * table.h
 *		The options, row by row; see common/value/option.h.
 *
 * To add one, add a member to EtfOptions and a row to table.c, or to Forms and
 * to common/value/forms.c where it is about the form of values.
 */
#ifndef ETF_OPTION_TABLE_H
#define ETF_OPTION_TABLE_H

#include "common/option/options.h"

#define MAX_OPTIONS 40

/* Of how many parts the patterns of such an option are. */
static inline int
option_parts(EtfOptionKind kind)
{
	return kind == OPTION_COLUMNS ? 3 : kind == OPTION_TABLES ? 2 : 1;
}

/* Counted from 0; NULL behind the last one. */
extern const EtfOption *etf_option(int i);

/* Its number; -1: there is none of this name. */
extern int etf_option_find(const char *name);

/* What a client may say, in words: for hints and for etf_options(). */
#define OPTION_WORDS_MAX 256
extern void etf_option_words(const EtfOption *option,
							 char words[OPTION_WORDS_MAX]);

#endif
