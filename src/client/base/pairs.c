/*
 * pairs.c
 *		A growing list of names and values.
 */
#include "client/base/pairs.h"

#include <stdlib.h>
#include <string.h>

bool
pairs_put(PairList *list, const char *name, const char *value)
{
	Pair *items;
	char *copy = strdup(value);

	if (copy == NULL)
		return false;
	for (size_t i = 0; i < list->count; i++)
	{
		if (strcmp(list->items[i].name, name) == 0)
		{
			free(list->items[i].value);
			list->items[i].value = copy;
			return true;
		}
	}
	items = realloc(list->items, (list->count + 1) * sizeof(Pair));
	if (items != NULL)
	{
		list->items = items;
		items[list->count] = (Pair){strdup(name), copy};
		if (items[list->count].name != NULL)
		{
			list->count++;
			return true;
		}
	}
	free(copy);
	return false;
}

const char *
pairs_get(const PairList *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
	{
		if (strcmp(list->items[i].name, name) == 0)
			return list->items[i].value;
	}
	return NULL;
}

bool
pairs_copy(PairList *list, const PairList *from)
{
	*list = (PairList){0};
	for (size_t i = 0; i < from->count; i++)
	{
		if (!pairs_put(list, from->items[i].name, from->items[i].value))
			return false;
	}
	return true;
}

void
pairs_free(PairList *list)
{
	for (size_t i = 0; i < list->count; i++)
	{
		free(list->items[i].name);
		free(list->items[i].value);
	}
	free(list->items);
	*list = (PairList){0};
}
