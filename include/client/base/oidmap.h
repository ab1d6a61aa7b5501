/*
 * oidmap.h
 *		What belongs to an OID of the server.
 *
 * A map that is all zeros is empty.  It owns its table, not what is in it.
 */
#ifndef ETF_OIDMAP_H
#define ETF_OIDMAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct OidSlot
{
	uint32_t oid;
	void *item; /* NULL: the slot is free */
} OidSlot;

typedef struct OidMap
{
	OidSlot *slots;
	uint32_t size; /* a power of two; 0: nothing was put yet */
	uint32_t count;
} OidMap;

/* NULL: there is none. */
extern void *oidmap_get(const OidMap *map, uint32_t oid);

/* Put an item that is not there yet.  The table comes from "scratch". */
extern void oidmap_put(OidMap *map, uint32_t oid, void *item,
					   void *(*scratch)(void *memory, size_t size));

#endif
