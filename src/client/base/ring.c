/*
 * ring.c
 *		A queue of items of one size, in a ring that grows.
 *
 * Of outbox.c and feedback.c.
 */
#include "client/base/ring.h"

#include <stdlib.h>

#define SIZE_START 64

void
ring_free(Ring *ring)
{
	free(ring->items);
	*ring = (Ring){.items = NULL};
}

bool
ring_grow(Ring *ring, size_t item)
{
	uint32_t size = ring->size > 0 ? ring->size * 2 : SIZE_START;
	char *items = malloc(size * item);

	if (items == NULL)
		return false;
	for (uint32_t i = 0; i < ring->count; i++)
		memcpy(items + i * item, ring_at(ring, item, i), item);
	free(ring->items);
	ring->items = items;
	ring->size = size;
	ring->first = 0;
	return true;
}
