/*
 * chunks.c
 *		Chunks that were delivered, and that the consumer has not handled yet.
 */
#include "client/backfill/chunks.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_START 16

bool
chunks_add(Chunks *chunks, const Chunk *chunk)
{
	size_t size = chunks->size > 0 ? chunks->size : SIZE_START;
	Chunk *items;

	if (chunks->count == chunks->size)
	{
		size = chunks->size > 0 ? 2 * size : size;
		items = realloc(chunks->items, size * sizeof(Chunk));
		if (items == NULL)
			return false;
		chunks->items = items;
		chunks->size = size;
	}
	chunks->items[chunks->count++] = *chunk;
	return true;
}

/* They are handled about in their order, so it is one of the first. */
bool
chunks_take(Chunks *chunks, uint64_t number, Chunk *chunk)
{
	for (size_t i = 0; i < chunks->count; i++)
	{
		Chunk *place = &chunks->items[i];

		if (place->number != number)
			continue;
		*chunk = *place;
		memmove(place, place + 1, (--chunks->count - i) * sizeof(Chunk));
		return true;
	}
	return false;
}

void
chunks_free(Chunks *chunks)
{
	free(chunks->items);
	*chunks = (Chunks){0};
}
