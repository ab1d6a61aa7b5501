/*
 * oidmap.c
 *		What belongs to an OID of the server.
 *
 * Of catalog.c and plans.c.
 */
#include "client/base/oidmap.h"

#include <string.h>

#define SIZE_START 64

/* Where it is, or else where it would be put. */
static OidSlot *
find(const OidMap *map, uint32_t oid)
{
	uint32_t at = oid * 2654435769u; /* spreads neighbors */

	for (;; at++)
	{
		OidSlot *slot = &map->slots[at & (map->size - 1)];

		if (slot->item == NULL || slot->oid == oid)
			return slot;
	}
}

void *
oidmap_get(const OidMap *map, uint32_t oid)
{
	return map->size == 0 ? NULL : find(map, oid)->item;
}

static void
enlarge(OidMap *map, void *(*scratch)(void *memory, size_t size))
{
	OidMap larger = {.size = map->size == 0 ? SIZE_START : map->size * 2,
					 .count = map->count};

	larger.slots = scratch(NULL, larger.size * sizeof(OidSlot));
	memset(larger.slots, 0, larger.size * sizeof(OidSlot));
	for (uint32_t i = 0; i < map->size; i++)
		if (map->slots[i].item != NULL)
			*find(&larger, map->slots[i].oid) = map->slots[i];
	if (map->slots != NULL)
		scratch(map->slots, 0);
	*map = larger;
}

void
oidmap_put(OidMap *map, uint32_t oid, void *item,
		   void *(*scratch)(void *memory, size_t size))
{
	if (2 * map->count >= map->size)
		enlarge(map, scratch);
	*find(map, oid) = (OidSlot){oid, item};
	map->count++;
}
