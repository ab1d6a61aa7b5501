/*
 * erlang.c
 *		Show terms as io:format("~0tp") does.
 *
 * A style of show/text.c.  Two departures: a list is a list of integers even
 * where all of them are characters, and a binary is text only when it is
 * UTF-8, never because its bytes look like ISO 8859-1.
 */
#include <string.h>

#include "common/show/style.h"
#include "common/term/utf8.h"

/* 'maybe' and 'else' are reserved from OTP 27 on; quotes never hurt. */
static const char *const reserved[] = {
	"after",   "and",  "andalso", "band",  "begin", "bnot", "bor",	"bsl",
	"bsr",	   "bxor", "case",	  "catch", "cond",	"div",	"else", "end",
	"fun",	   "if",   "let",	  "maybe", "not",	"of",	"or",	"orelse",
	"receive", "rem",  "try",	  "when",  "xor"};

static bool
is_reserved(const TermName *name)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
	{
		if (name->len == strlen(reserved[i]) &&
			memcmp(name->bytes, reserved[i], name->len) == 0)
			return true;
	}
	return false;
}

/* Letters are those of ISO 8859-1; the two between them are signs. */
static bool
is_lower(uint32_t code)
{
	return (code >= 'a' && code <= 'z') ||
		   (code >= 0xDF && code <= 0xFF && code != 0xF7);
}

static bool
is_name_character(uint32_t code)
{
	return is_lower(code) || (code >= 'A' && code <= 'Z') ||
		   (code >= '0' && code <= '9') || code == '_' || code == '@' ||
		   (code >= 0xC0 && code <= 0xDE && code != 0xD7);
}

static bool
needs_quotes(const TermName *name, bool ascii)
{
	uint32_t limit = ascii ? 0x7F : 0xFF;
	uint32_t pos = 0;
	uint32_t code;

	if (!name_next(name, &pos, &code) || !is_lower(code) || code > limit)
		return true;
	while (name_next(name, &pos, &code))
	{
		if (!is_name_character(code) || code > limit)
			return true;
	}
	return is_reserved(name);
}

/* The letter behind the backslash, or 0. */
static char
escape_of(uint32_t code)
{
	switch (code)
	{
		case '\b':
			return 'b';
		case '\t':
			return 't';
		case '\n':
			return 'n';
		case '\v':
			return 'v';
		case '\f':
			return 'f';
		case '\r':
			return 'r';
		case 0x1B:
			return 'e';
		case '\\':
			return '\\';
		default:
			return 0;
	}
}

static void
put_hexadecimal(TermText *text, uint32_t code)
{
	int shift = 20;

	text_puts(text, "\\x{");
	while (code >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		text_putc(text, "0123456789ABCDEF"[code >> shift & 15]);
	text_putc(text, '}');
}

static void
put_character(TermText *text, uint32_t code, char quote)
{
	char escape = code == (uint32_t) quote ? quote : escape_of(code);

	/* Never in a binary, which would not be shown as text then. */
	if (code == 0x7F)
		escape = 'd';
	if (escape != 0)
	{
		text_putc(text, '\\');
		text_putc(text, escape);
	}
	else if (text->ascii && code > 0x7F)
		put_hexadecimal(text, code);
	else if (code < 0xA0 && !code_is_printable(code))
	{
		text_putc(text, '\\');
		text_putc(text, (char) ('0' + (code >> 6)));
		text_putc(text, (char) ('0' + (code >> 3 & 7)));
		text_putc(text, (char) ('0' + (code & 7)));
	}
	else
		text_put_code(text, code);
}

static void
put_name(TermText *text, const TermName *name)
{
	uint32_t pos = 0;
	uint32_t code;

	while (name_next(name, &pos, &code))
		put_character(text, code, '\'');
}

static void
put_quoted_name(TermText *text, const TermName *name)
{
	bool quotes = needs_quotes(name, text->ascii);

	if (quotes)
		text_putc(text, '\'');
	put_name(text, name);
	if (quotes)
		text_putc(text, '\'');
}

static void
put_atom(TermText *text, const Term *term)
{
	put_quoted_name(text, &term->name);
}

/* Is it text that ~p shows as such? */
static bool
is_text(const Term *binary, bool *ascii)
{
	uint32_t code;

	*ascii = true;
	for (uint32_t pos = 0; pos < binary->len;)
	{
		size_t size =
			utf8_decode(binary->bytes + pos, binary->len - pos, &code);

		if (size == 0 || (!code_is_printable(code) && escape_of(code) == 0))
			return false;
		*ascii &= size == 1;
		pos += (uint32_t) size;
	}
	return binary->len > 0;
}

static void
put_text(TermText *text, const Term *binary, bool ascii)
{
	const uint8_t *bytes = binary->bytes;
	uint32_t code;
	size_t pos;

	text_puts(text, "<<\"");
	pos = text_put_plain(text, bytes, binary->len, '"');
	while (pos < binary->len)
	{
		pos += utf8_decode(bytes + pos, binary->len - pos, &code);
		put_character(text, code, '"');
		pos += text_put_plain(text, bytes + pos, binary->len - pos, '"');
	}
	text_puts(text, ascii ? "\">>" : "\"/utf8>>");
}

/* Bytes as numbers; of the last byte of a bitstring some bits only. */
static void
put_bytes(TermText *text, const Term *term)
{
	bool bits = term->kind == TERM_BITS;

	text_puts(text, "<<");
	for (uint32_t i = 0; i < term->len; i++)
	{
		bool part = bits && i == term->len - 1;

		if (i > 0)
			text_putc(text, ',');
		text_put_uint(text,
					  (uint64_t) term->bytes[i] >> (part ? 8 - term->bits : 0));
		if (part)
		{
			text_putc(text, ':');
			text_put_uint(text, term->bits);
		}
	}
	text_puts(text, ">>");
}

static void
put_binary(TermText *text, const Term *term)
{
	bool ascii;

	if (is_text(term, &ascii))
		put_text(text, term, ascii);
	else
		put_bytes(text, term);
}

static void
put_integer(TermText *text, const Term *term)
{
	text_put_integer(text, term, "16#");
}

static void
put_float(TermText *text, const Term *term)
{
	char digits[FLOAT_TEXT_SIZE];

	text_put(text, digits, float_to_text(term->real, digits));
}

static void
put_export(TermText *text, const Term *term)
{
	text_puts(text, "fun ");
	put_quoted_name(text, &term->name);
	text_putc(text, ':');
	put_quoted_name(text, &term->function);
	text_putc(text, '/');
	text_put_uint(text, (uint64_t) term->integer);
}

static bool
erlang_open(TermText *text, const TextLevel *parent, TextLevel *level,
			const Term *term)
{
	(void) parent;
	(void) term;
	text_puts(text, level->kind == TERM_TUPLE ? "{"
					: level->kind == TERM_MAP ? "#{"
											  : "[");
	return true;
}

static bool
erlang_before(TermText *text, TextLevel *level, const Term *term)
{
	(void) term;
	if (level->index == 0)
		return true;
	if (level->kind == TERM_MAP && !level_at_key(level))
		text_puts(text, " => ");
	else
		text_putc(text, level_at_tail(level) ? '|' : ',');
	return true;
}

static void
erlang_close(TermText *text, const TextLevel *level)
{
	text_putc(text, level->kind == TERM_TUPLE ? '}'
					: level->kind == TERM_MAP ? '}'
											  : ']');
}

const TextOps erlang_ops = {.integer = put_integer,
							.number = put_float,
							.atom = put_atom,
							.binary = put_binary,
							.bits = put_bytes,
							.export = put_export,
							.pid = "#Pid<",
							.port = "#Port<",
							.reference = "#Ref<",
							.node = put_name,
							.identifier_end = ">",
							.fun = "#Fun<>",
							.open = erlang_open,
							.before = erlang_before,
							.close = erlang_close};
