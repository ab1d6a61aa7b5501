/*
 * show.c
 *		A port program for the oracles: a style and a term in, its text out.
 *
 * Each packet has 4 bytes of length; a request starts with a byte of
 * TextStyle.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/show/text.h"

#define LEVELS 10000
#define LIMIT (64u * 1024 * 1024)

/* The reply; its first 4 bytes are its length. */
typedef struct Output
{
	uint8_t *bytes;
	size_t len;
	size_t size;
} Output;

static void
append(void *arg, const char *bytes, size_t len)
{
	Output *output = arg;

	while (output->size - output->len < len)
	{
		output->size = output->size * 2 + 1024;
		output->bytes = realloc(output->bytes, output->size);
		if (output->bytes == NULL)
			abort();
	}
	memcpy(output->bytes + output->len, bytes, len);
	output->len += len;
}

static bool
read_length(size_t *len)
{
	uint8_t head[4];

	if (fread(head, 1, 4, stdin) != 4)
		return false;
	*len = (size_t) head[0] << 24 | (size_t) head[1] << 16 |
		   (size_t) head[2] << 8 | head[3];
	return *len > 0 && *len < LIMIT;
}

static void
answer(const uint8_t *request, size_t len, Output *output)
{
	static TextLevel levels[LEVELS];
	TermReader reader;
	TermText text;

	output->len = 0;
	append(output, "\0\0\0\0", 4);
	term_read_init(&reader, request + 1, len - 1);
	term_text_init(&text, (TextStyle) request[0], levels, LEVELS, append,
				   output);
	if (!term_read_version(&reader) || !term_text_print(&text, &reader))
		append(output, reader.error, strlen(reader.error));
	for (int i = 0; i < 4; i++)
		output->bytes[i] = (uint8_t) ((output->len - 4) >> (24 - 8 * i));
	fwrite(output->bytes, 1, output->len, stdout);
	fflush(stdout);
}

int
main(void)
{
	Output output = {0};
	size_t len;

	while (read_length(&len))
	{
		uint8_t *request = malloc(len);

		if (request == NULL || fread(request, 1, len, stdin) != len)
			return 1;
		answer(request, len, &output);
		free(request);
	}
	free(output.bytes);
	return 0;
}
