/*
 * host.h
 *		A host for the encoders: malloc, and texts that are in UTF-8.
 */
#ifndef ETF_TEST_HOST_H
#define ETF_TEST_HOST_H

#include <stdlib.h>

#include "common/term/write.h"

/* No more memory than was asked for, at another place each time. */
static inline void
host_grow(TermOut *out, size_t size)
{
	char *data = malloc(out->len + size);

	if (data == NULL)
		abort();
	if (out->len > 0)
		memcpy(data, out->data, out->len);
	free(out->data);
	out->data = data;
	out->size = out->len + size;
}

static inline void *
host_scratch(void *memory, size_t size)
{
	void *moved = NULL;

	if (size == 0)
		free(memory);
	else if ((moved = realloc(memory, size)) == NULL)
		abort();
	return moved;
}

static inline void
host_tick(void)
{
}

static const TermHost test_host = {
	.grow = host_grow,
	.scratch = host_scratch,
	.put_text = etf_put_binary,
	.tick = host_tick,
};

#endif
