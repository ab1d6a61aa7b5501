/*
 * term_text.c
 *		Walk over a term and let a style show it as text.
 *
 * Above term_read.c; the styles are term_erlang.c, term_elixir.c and
 * term_json.c.  One loop, however deep the term is: what is open stands in
 * the levels that the caller lent.
 */
#include "common/term_text.h"

#include <string.h>

#include "common/digits.h"
#include "common/term_style.h"
#include "common/utf8.h"

static const TextOps *const styles[] = {[TEXT_ERLANG] = &erlang_ops,
										[TEXT_ELIXIR] = &elixir_ops,
										[TEXT_JSON] = &json_ops};

void
term_text_init(TermText *text, TextStyle style, TextLevel *levels,
			   size_t capacity, TextSink sink, void *arg)
{
	*text = (TermText){.null = "nil",
					   .ops = styles[style],
					   .levels = levels,
					   .capacity = capacity,
					   .sink = sink,
					   .arg = arg};
}

static TextLevel *
innermost(TermText *text)
{
	return text->depth > 0 ? &text->levels[text->depth - 1] : NULL;
}

/* One more child of the innermost level has been read. */
static void
count_child(TermText *text)
{
	if (text->depth > 0)
		innermost(text)->index++;
}

static bool
open_level(TermText *text, const Term *term, TermKind kind, uint64_t count)
{
	const TextLevel *parent = innermost(text);
	TextLevel *level = &text->levels[text->depth];

	if (text->depth == text->capacity)
		return term_fail(text->reader, "term is nested too deeply to be shown");
	*level = (TextLevel){.kind = kind, .count = count};
	if (text->ops->open(text, parent, level, term))
		text->depth++;
	else
		count_child(text);
	return text->reader->error == NULL;
}

static void
close_levels(TermText *text)
{
	while (text->depth > 0 && innermost(text)->index == innermost(text)->count)
	{
		text->ops->close(text, innermost(text));
		text->depth--;
		count_child(text);
	}
}

/* The list of small integers that a string is, inside an open level. */
static void
print_string_elements(TermText *text, const Term *string)
{
	TextLevel *level = innermost(text);
	Term element = {.kind = TERM_INTEGER};

	for (uint32_t i = 0; i < string->len; i++)
	{
		element.integer = string->bytes[i];
		text->ops->before(text, level, &element);
		text->ops->scalar(text, level, &element);
		level->index++;
	}
}

static bool
print_string(TermText *text, const Term *string)
{
	/* As a list it would have a tail; here there is none to come. */
	if (!open_level(text, string, TERM_STRING, string->len))
		return false;
	print_string_elements(text, string);
	return true;
}

static bool
print_scalar(TermText *text, const Term *term)
{
	text->ops->scalar(text, innermost(text), term);
	for (uint64_t left = term_children(term); left > 0; left--)
	{
		if (!term_skip(text->reader))
			return false;
	}
	count_child(text);
	return true;
}

static bool
print_token(TermText *text, const Term *term)
{
	if (text->depth > 0 && !text->ops->before(text, innermost(text), term))
		return text->reader->error == NULL;
	switch (term->kind)
	{
		case TERM_STRING:
			return print_string(text, term);
		case TERM_TUPLE:
		case TERM_LIST:
		case TERM_MAP:
			return open_level(text, term, term->kind, term_children(term));
		default:
			return print_scalar(text, term);
	}
}

/*
 * What stands behind the last element of a list.  More of a list belongs to
 * the same level: libei's users like to write lists element by element, and
 * such a list is not deep.
 */
static bool
print_tail(TermText *text, const Term *tail)
{
	TextLevel *level = innermost(text);

	switch (tail->kind)
	{
		case TERM_NIL:
			level->index++;
			return true;
		case TERM_LIST:
			level->count = level->index + term_children(tail);
			return true;
		case TERM_STRING:
			level->count = level->index + tail->len + 1;
			print_string_elements(text, tail);
			level->index++;
			return true;
		default:
			return print_token(text, tail);
	}
}

static bool
print_next(TermText *text)
{
	Term term;

	if (!term_next(text->reader, &term))
		return false;
	if (text->depth > 0 && level_at_tail(innermost(text)))
		return print_tail(text, &term);
	return print_token(text, &term);
}

static void
flush(TermText *text)
{
	if (text->used > 0)
		text->sink(text->arg, text->buffer, text->used);
	text->used = 0;
}

bool
term_text_print(TermText *text, TermReader *reader)
{
	bool good;

	text->reader = reader;
	text->depth = 0;
	text->used = 0;
	do
	{
		good = print_next(text);
		if (good)
			close_levels(text);
	} while (good && text->depth > 0);
	flush(text);
	return good;
}

void
text_put(TermText *text, const char *bytes, size_t len)
{
	if (len > sizeof(text->buffer) - text->used)
		flush(text);
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

/* The numbers of a reference are shown from the last to the first. */
void
text_put_numbers(TermText *text, const Term *term)
{
	for (uint32_t end = term->kind == TERM_REFERENCE ? term->len : 0; end > 0;
		 end -= 4)
	{
		const uint8_t *word = term->bytes + end - 4;

		text_putc(text, '.');
		text_put_uint(text, (uint32_t) word[0] << 24 |
								(uint32_t) word[1] << 16 |
								(uint32_t) word[2] << 8 | word[3]);
	}
	if (term->kind == TERM_REFERENCE)
		return;
	text_putc(text, '.');
	text_put_uint(text, term->id);
	if (term->kind == TERM_PID)
	{
		text_putc(text, '.');
		text_put_uint(text, term->serial);
	}
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
