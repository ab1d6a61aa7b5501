/*
 * put.c
 *		Put what every style needs into the buffer: bytes, characters, numbers.
 */
#include "common/show/style.h"

#include <string.h>

#include "common/term/digits.h"
#include "common/term/utf8.h"

void
text_flush(TermText *text)
{
	if (text->used > 0)
		text->sink(text->arg, text->buffer, text->used);
	text->used = 0;
}

void
text_put(TermText *text, const char *bytes, size_t len)
{
	if (len > sizeof(text->buffer) - text->used)
		text_flush(text);
	if (len > sizeof(text->buffer))
	{
		text->sink(text->arg, bytes, len);
		return;
	}
	memcpy(text->buffer + text->used, bytes, len);
	text->used += len;
}

void
text_puts(TermText *text, const char *string)
{
	text_put(text, string, strlen(string));
}

void
text_putc(TermText *text, char c)
{
	text_put(text, &c, 1);
}

size_t
text_put_plain(TermText *text, const uint8_t *bytes, size_t len, char quote)
{
	size_t run = 0;

	while (run < len && bytes[run] >= 0x20 && bytes[run] < 0x7F &&
		   bytes[run] != (uint8_t) quote && bytes[run] != '\\')
		run++;
	text_put(text, (const char *) bytes, run);
	return run;
}

void
text_put_code(TermText *text, uint32_t code)
{
	char bytes[UTF8_MAX];

	text_put(text, bytes, utf8_encode(code, bytes));
}

void
text_put_uint(TermText *text, uint64_t value)
{
	char digits[20];
	size_t start = sizeof(digits);

	do
	{
		digits[--start] = (char) ('0' + value % 10);
		value /= 10;
	} while (value > 0);
	text_put(text, digits + start, sizeof(digits) - start);
}

static void
put_hexadecimal(TermText *text, const Term *term, const char *prefix)
{
	static const char hex[] = "0123456789ABCDEF";
	uint32_t pos = term->len;

	text_puts(text, prefix);
	if (term->bytes[pos - 1] < 16)
		text_putc(text, hex[term->bytes[--pos]]);
	for (; pos > 0; pos--)
	{
		text_putc(text, hex[term->bytes[pos - 1] >> 4]);
		text_putc(text, hex[term->bytes[pos - 1] & 15]);
	}
}

static void
put_big(TermText *text, const Term *term, const char *prefix)
{
	Digits digits;
	char chunk[256];
	size_t start = 0;
	size_t len;

	if (!digits_init(&digits, term->bytes, term->len))
	{
		put_hexadecimal(text, term, prefix);
		return;
	}
	while ((len = digits_copy(&digits, start, chunk, sizeof(chunk))) > 0)
	{
		text_put(text, chunk, len);
		start += len;
	}
}

void
text_put_integer(TermText *text, const Term *term, const char *hex)
{
	bool small = term->kind == TERM_INTEGER;

	if (small ? term->integer < 0 : term->negative)
		text_putc(text, '-');
	if (!small)
		put_big(text, term, hex);
	else if (term->integer < 0)
		text_put_uint(text, -(uint64_t) term->integer);
	else
		text_put_uint(text, (uint64_t) term->integer);
}

bool
name_next(const TermName *name, uint32_t *pos, uint32_t *code)
{
	if (*pos == name->len)
		return false;
	if (name->latin1)
		*code = name->bytes[(*pos)++];
	else
		*pos +=
			(uint32_t) utf8_decode(name->bytes + *pos, name->len - *pos, code);
	return true;
}

bool
code_is_printable(uint32_t code)
{
	return (code >= 0x20 && code < 0x7F) || (code >= 0xA0 && code < 0xFFFE) ||
		   code > 0xFFFF;
}
