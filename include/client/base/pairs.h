/*
 * pairs.h
 *		Names and values: libpq's keywords, the options of the plugin.
 *
 * A list that is all zeros is empty.  Strings are copied into it.
 */
#ifndef ETF_PAIRS_H
#define ETF_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Pair
{
	char *name;
	char *value;
} Pair;

/* Enough for all keywords of libpq and all options of the plugin. */
#define PAIRS_MAX 256

/* A growing list of names and values; a name given again replaces. */
typedef struct PairList
{
	Pair *items;
	size_t count;
} PairList;

/* False: out of memory. */
extern bool pairs_put(PairList *list, const char *name, const char *value);

/* NULL if there is none of this name. */
extern const char *pairs_get(const PairList *list, const char *name);

/* False: out of memory; what was copied is to be freed all the same. */
extern bool pairs_copy(PairList *list, const PairList *from);

/* Leaves an empty list. */
extern void pairs_free(PairList *list);

#endif
