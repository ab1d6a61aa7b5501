/*
 * labels.h
 *		Where in a stream each of its (sub)transactions began.
 *
 * A stack, in the order of the stream, which is cut off at its top; a hash
 * finds an entry by its transaction.  All zeros is an empty one.
 */
#ifndef ETF_LABELS_H
#define ETF_LABELS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Label
{
	uint32_t xid;
	uint64_t bytes;	 /* of the stream, before it */
	uint64_t events; /* the same */
} Label;

typedef struct Labels
{
	Label *items;
	uint32_t *slots; /* number of an item, from 1 on; 0: none */
	uint32_t count;
	uint32_t size; /* of items, 0 or a power of two; twice as many slots */
} Labels;

extern void labels_free(Labels *labels);

/* One that is not there.  False: out of memory, and nothing has changed. */
extern bool labels_push(Labels *labels, const Label *label);

/* NULL if there is none of this transaction. */
extern const Label *labels_find(const Labels *labels, uint32_t xid);

/* Forget this one, and all that were pushed after it. */
extern void labels_cut(Labels *labels, const Label *label);

#endif
