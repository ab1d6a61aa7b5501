/*
 * host.c
 *		The client's memory and text for the encoders of the shared ring.
 */
#include "client/source/host.h"

#include <stdlib.h>

#include "client/base/failure.h"

#define SIZE_START 512

/* An encoder cannot go on without memory, and nobody has promised to return. */
void *
source_scratch(void *memory, size_t size)
{
	void *moved = NULL;
	Failure failure;

	if (size == 0)
		free(memory);
	else if ((moved = realloc(memory, size)) == NULL)
	{
		failure_set(&failure, FAIL_INTERNAL, "out of memory");
		exit(failure_print(&failure));
	}
	return moved;
}

char *
source_copy(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(source_scratch(NULL, size), text, size);
}

static void
grow(TermOut *out, size_t size)
{
	size_t wanted = out->len + size;

	if (out->size == 0)
		out->size = SIZE_START;
	while (out->size < wanted)
		out->size *= 2;
	out->data = source_scratch(out->data, out->size);
}

static bool
is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] > 127)
			return false;
	return true;
}

static void
put_raw_text(TermOut *out, const char *text, size_t len)
{
	if (is_ascii(text, len))
	{
		etf_put_binary(out, text, len);
		return;
	}
	etf_put_tuple(out, 2);
	etf_put_atom(out, "unconverted");
	etf_put_binary(out, text, len);
}

static void
tick(void)
{
}

const TermHost source_host = {grow, source_scratch, etf_put_binary, tick};
const TermHost source_raw_host = {grow, source_scratch, put_raw_text, tick};
