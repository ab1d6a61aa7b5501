/*
 * strbuf.c
 *		Text that grows: SQL commands, and what is printed for people.
 */
#include "client/base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_START 256

void
strbuf_free(StrBuf *text)
{
	free(text->data);
	*text = (StrBuf){0};
}

char *
strbuf_reserve(StrBuf *text, size_t len)
{
	size_t size = text->size > 0 ? text->size : SIZE_START;
	char *data;

	while (size - text->len <= len)
		size *= 2;
	if (size > text->size && !text->failed)
	{
		data = realloc(text->data, size);
		text->failed = data == NULL;
		if (data != NULL)
		{
			text->data = data;
			text->size = size;
		}
	}
	return text->failed ? NULL : text->data + text->len;
}

void
strbuf_drop(StrBuf *text, size_t len)
{
	if (len == 0)
		return;
	text->len -= len;
	memmove(text->data, text->data + len, text->len + 1);
}

void
strbuf_put(StrBuf *text, const char *bytes, size_t len)
{
	char *place = strbuf_reserve(text, len);

	if (place == NULL)
		return;
	memcpy(place, bytes, len);
	text->len += len;
	text->data[text->len] = '\0';
}

void
strbuf_puts(StrBuf *text, const char *string)
{
	strbuf_put(text, string, strlen(string));
}

void
strbuf_putf(StrBuf *text, const char *format, ...)
{
	va_list args;
	int len;
	char *place;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	place = len < 0 ? NULL : strbuf_reserve(text, (size_t) len);
	if (place == NULL)
		return;
	va_start(args, format);
	vsnprintf(place, (size_t) len + 1, format, args);
	va_end(args);
	text->len += (size_t) len;
}

/* Each of the bytes in "twice" comes twice. */
static void
put_doubling(StrBuf *text, const char *string, const char *twice)
{
	for (const char *p = string; *p != '\0'; p++)
	{
		if (strchr(twice, *p) != NULL)
			strbuf_put(text, p, 1);
		strbuf_put(text, p, 1);
	}
}

void
strbuf_put_quoted(StrBuf *text, const char *string, char quote)
{
	const char twice[] = {quote, '\0'};

	strbuf_put(text, &quote, 1);
	put_doubling(text, string, twice);
	strbuf_put(text, &quote, 1);
}

void
strbuf_put_literal(StrBuf *text, const char *string)
{
	strbuf_puts(text, "E'");
	put_doubling(text, string, "'\\");
	strbuf_puts(text, "'");
}
