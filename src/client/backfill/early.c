/*
 * early.c
 *		Keys of moved rows that came before it is known what was read.
 *
 * Packed one behind the other: rel, length, term.
 */
#include "client/backfill/early.h"

#include <string.h>

/* With more of them it is quicker to read all tables from their start. */
#define BYTES_MAX ((size_t) 4 << 20)

typedef struct Head
{
	uint64_t rel;
	size_t len;
} Head;

void
early_add(EarlyKeys *early, uint64_t number, uint64_t rel, const uint8_t *keys,
		  size_t len)
{
	Head head = {.rel = rel, .len = len};
	bool fits = early->packed.len + len <= BYTES_MAX;

	if (early->first == 0)
		early->first = number;
	if (early->lost)
		return;
	if (fits)
	{
		strbuf_put(&early->packed, (const char *) &head, sizeof(head));
		strbuf_put(&early->packed, (const char *) keys, len);
	}
	early->lost = !fits || early->packed.failed;
	if (early->lost)
		strbuf_free(&early->packed);
}

bool
early_next(const EarlyKeys *early, size_t *at, uint64_t *rel,
		   const uint8_t **keys, size_t *len)
{
	Head head;

	if (*at >= early->packed.len)
		return false;
	memcpy(&head, early->packed.data + *at, sizeof(head));
	*rel = head.rel;
	*len = head.len;
	*keys = (const uint8_t *) early->packed.data + *at + sizeof(head);
	*at += sizeof(head) + head.len;
	return true;
}

void
early_free(EarlyKeys *early)
{
	strbuf_free(&early->packed);
	early->lost = false;
	early->first = 0;
}
