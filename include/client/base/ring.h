/*
 * ring.h
 *		A queue of items of one size, in a ring that grows.
 *
 * The caller says the size of an item with each call, always the same; the
 * compiler knows it then.
 */
#ifndef ETF_RING_H
#define ETF_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Ring
{
	void *items;
	uint32_t size; /* in items: 0 or a power of two */
	uint32_t first;
	uint32_t count;
} Ring;

extern void ring_free(Ring *ring);

/* Twice the room.  False: out of memory, and nothing has changed. */
extern bool ring_grow(Ring *ring, size_t item);

/* Number i, from the oldest on. */
static inline void *
ring_at(const Ring *ring, size_t item, uint32_t i)
{
	return (char *) ring->items + item * ((ring->first + i) & (ring->size - 1));
}

static inline bool
ring_push(Ring *ring, size_t item, const void *value)
{
	if (ring->count == ring->size && !ring_grow(ring, item))
		return false;
	memcpy(ring_at(ring, item, ring->count++), value, item);
	return true;
}

/* Forget the oldest ones. */
static inline void
ring_drop(Ring *ring, uint32_t count)
{
	ring->first += count;
	ring->count -= count;
}

#endif
