/*
 * labels.c
 *		Where in a stream each of its (sub)transactions began.
 *
 * Of spool.c.  A stream may have a million of them, one for each row, so they
 * are found by a hash.  It has linear probing; since the latest entry always
 * goes first, its slot is just cleared: no entry that stays was placed behind
 * it.
 */
#include "client/source/labels.h"

#include <stdlib.h>

#define SIZE_START 16

void
labels_free(Labels *labels)
{
	free(labels->items);
	free(labels->slots);
	*labels = (Labels){.items = NULL};
}

/* The slot of this transaction, or the free one where it belongs. */
static uint32_t *
slot_of(const Labels *labels, uint32_t xid)
{
	uint32_t mask = labels->size * 2 - 1;
	uint32_t at = (xid * UINT32_C(2654435761)) >> 7 & mask;

	while (labels->slots[at] != 0 &&
		   labels->items[labels->slots[at] - 1].xid != xid)
		at = (at + 1) & mask;
	return &labels->slots[at];
}

static bool
grow(Labels *labels)
{
	uint32_t size = labels->size > 0 ? labels->size * 2 : SIZE_START;
	uint32_t *slots = calloc((size_t) size * 2, sizeof(uint32_t));
	Label *items = realloc(labels->items, size * sizeof(Label));

	if (items != NULL)
		labels->items = items;
	if (items == NULL || slots == NULL)
	{
		free(slots);
		return false;
	}
	free(labels->slots);
	labels->slots = slots;
	labels->size = size;
	for (uint32_t i = 0; i < labels->count; i++)
		*slot_of(labels, items[i].xid) = i + 1;
	return true;
}

bool
labels_push(Labels *labels, const Label *label)
{
	if (labels->count == labels->size && !grow(labels))
		return false;
	labels->items[labels->count++] = *label;
	*slot_of(labels, label->xid) = labels->count;
	return true;
}

const Label *
labels_find(const Labels *labels, uint32_t xid)
{
	uint32_t number = labels->count > 0 ? *slot_of(labels, xid) : 0;

	return number > 0 ? &labels->items[number - 1] : NULL;
}

void
labels_cut(Labels *labels, const Label *label)
{
	uint32_t keep = (uint32_t) (label - labels->items);

	while (labels->count > keep)
	{
		*slot_of(labels, labels->items[labels->count - 1].xid) = 0;
		labels->count--;
	}
}
