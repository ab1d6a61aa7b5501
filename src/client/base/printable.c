/*
 * printable.c
 *		Text from a server, made fit for a terminal and a log.
 *
 * Used wherever text of a server is shown: an error names tables and values that
 * anybody may have made, and a server may be anybody.
 */
#include "client/base/printable.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/term/utf8.h"

static bool
acts_on_terminal(uint32_t code)
{
	return (code < 0x20 && code != '\n' && code != '\t') ||
		   (code >= 0x7F && code < 0xA0);
}

void
make_printable(char *text)
{
	size_t len = strlen(text);
	char *to = text;
	uint32_t code;

	for (size_t pos = 0; pos < len;)
	{
		size_t size =
			utf8_decode((const uint8_t *) text + pos, len - pos, &code);

		if (size > 0 && !acts_on_terminal(code))
		{
			memmove(to, text + pos, size);
			to += size;
		}
		else
			*to++ = '?';
		pos += size > 0 ? size : 1;
	}
	*to = '\0';
}

/* Cut between two characters. */
void
copy_printable(char *to, size_t size, const char *text)
{
	size_t end = size - sizeof("...");

	if ((size_t) snprintf(to, size, "%s", text) >= size)
	{
		while (end > 0 && (to[end] & 0xC0) == 0x80)
			end--;
		snprintf(to + end, size - end, "...");
	}
	make_printable(to);
}
