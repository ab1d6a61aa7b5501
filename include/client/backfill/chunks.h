/*
 * chunks.h
 *		Chunks that were delivered, and that the consumer has not handled yet.
 *
 * Pure.  All zeros is empty.
 */
#ifndef ETF_BACKFILL_CHUNKS_H
#define ETF_BACKFILL_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Chunk
{
	uint64_t number;
	uint32_t table; /* its place in the state */
	uint32_t range;
	uint32_t starts; /* of the table when it was read; see BackfillTable */
	uint64_t rows;
	uint64_t bytes;
	uint64_t lsn; /* its place */
} Chunk;

typedef struct Chunks
{
	Chunk *items; /* oldest first */
	size_t count;
	size_t size;
} Chunks;

/* False: out of memory. */
extern bool chunks_add(Chunks *chunks, const Chunk *chunk);

/* Take one out.  False: it is not there. */
extern bool chunks_take(Chunks *chunks, uint64_t number, Chunk *chunk);

extern void chunks_free(Chunks *chunks);

#endif
