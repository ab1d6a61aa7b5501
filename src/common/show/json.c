/*
 * json.c
 *		Show terms as JSON; show/text.h says what becomes of which.
 *
 * A style of show/text.c.
 */
#include <string.h>

#include "common/show/struct.h"
#include "common/show/style.h"
#include "common/term/digits.h"
#include "common/term/utf8.h"

/* Forms of a level. */
enum
{
	FORM_PLAIN,	 /* an array or an object */
	FORM_STRUCT, /* an object without "__struct__" */
	FORM_PAIRS	 /* an array of [key, value] */
};

static const char hex[] = "0123456789abcdef";

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
		case '\f':
			return 'f';
		case '\r':
			return 'r';
		case '"':
		case '\\':
			return (char) code;
		default:
			return 0;
	}
}

/*
 * What a terminal, or a reader of lines, would take for something else than
 * text: controls, line separators, and what turns the direction around.
 */
static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0) ||
		   (code >= 0x2028 && code <= 0x202E) ||
		   (code >= 0x2066 && code <= 0x2069);
}

static void
put_character(TermText *text, uint32_t code)
{
	char escape = escape_of(code);

	if (escape != 0)
	{
		text_putc(text, '\\');
		text_putc(text, escape);
	}
	else if (is_control(code))
	{
		text_puts(text, "\\u");
		for (int shift = 12; shift >= 0; shift -= 4)
			text_putc(text, hex[code >> shift & 15]);
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
		put_character(text, code);
}

static void
put_string(TermText *text, const Term *binary)
{
	const uint8_t *bytes = binary->bytes;
	uint32_t code;
	size_t pos;

	text_putc(text, '"');
	pos = text_put_plain(text, bytes, binary->len, '"');
	while (pos < binary->len)
	{
		pos += utf8_decode(bytes + pos, binary->len - pos, &code);
		put_character(text, code);
		pos += text_put_plain(text, bytes + pos, binary->len - pos, '"');
	}
	text_putc(text, '"');
}

static void
put_base64(TermText *text, const Term *binary)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
								 "abcdefghijklmnopqrstuvwxyz0123456789+/";

	text_puts(text, "{\"base64\":\"");
	for (uint32_t pos = 0; pos < binary->len; pos += 3)
	{
		uint32_t left = binary->len - pos;
		uint32_t group = (uint32_t) binary->bytes[pos] << 16;

		group |= left > 1 ? (uint32_t) binary->bytes[pos + 1] << 8 : 0;
		group |= left > 2 ? binary->bytes[pos + 2] : 0;
		text_putc(text, digits[group >> 18]);
		text_putc(text, digits[group >> 12 & 63]);
		text_putc(text, left > 1 ? digits[group >> 6 & 63] : '=');
		text_putc(text, left > 2 ? digits[group & 63] : '=');
	}
	text_puts(text, "\"}");
}

static void
put_binary(TermText *text, const Term *binary)
{
	if (utf8_check(binary->bytes, binary->len, NULL))
		put_string(text, binary);
	else
		put_base64(text, binary);
}

/* As PostgreSQL shows bit strings. */
static void
put_bits(TermText *text, const Term *term)
{
	uint64_t nbits = (uint64_t) (term->len - 1) * 8 + term->bits;

	text_putc(text, '"');
	for (uint64_t i = 0; i < nbits; i++)
		text_putc(text, (char) ('0' + (term->bytes[i / 8] >> (7 - i % 8) & 1)));
	text_putc(text, '"');
}

/* Keys of objects are strings. */
static bool
is_key(TermText *text)
{
	const TextLevel *parent = text_innermost(text);

	return level_at_key(parent) && parent->form != FORM_PAIRS;
}

/* No JSON number can be as large as one that is not shown in decimal. */
static void
put_integer(TermText *text, const Term *term)
{
	bool quotes = is_key(text) ||
				  (term->kind == TERM_BIG && term->len > DIGITS_MAX_BYTES);

	if (quotes)
		text_putc(text, '"');
	text_put_integer(text, term, "0x");
	if (quotes)
		text_putc(text, '"');
}

static void
put_float(TermText *text, const Term *term)
{
	char digits[FLOAT_TEXT_SIZE];
	bool key = is_key(text);

	if (key)
		text_putc(text, '"');
	text_put(text, digits, float_to_text(term->real, digits));
	if (key)
		text_putc(text, '"');
}

static void
put_atom(TermText *text, const Term *atom)
{
	bool key = is_key(text);

	if (!key && term_is_atom(atom, text->null))
		text_puts(text, "null");
	else if (!key &&
			 (term_is_atom(atom, "true") || term_is_atom(atom, "false")))
		text_put(text, (const char *) atom->name.bytes, atom->name.len);
	else
	{
		text_putc(text, '"');
		put_name(text, &atom->name);
		text_putc(text, '"');
	}
}

static void
put_export(TermText *text, const Term *term)
{
	text_puts(text, "\"fun ");
	put_name(text, &term->name);
	text_putc(text, ':');
	put_name(text, &term->function);
	text_putc(text, '/');
	text_put_uint(text, (uint64_t) term->integer);
	text_putc(text, '"');
}

/* Can it be the name of a member? */
static bool
is_plain_key(const Term *key)
{
	return key->kind == TERM_ATOM || key->kind == TERM_INTEGER ||
		   key->kind == TERM_BIG || key->kind == TERM_FLOAT ||
		   (key->kind == TERM_BINARY && utf8_check(key->bytes, key->len, NULL));
}

static bool
open_map(TermText *text, TextLevel *level, const Term *map)
{
	StructValue value;
	TermReader end;
	Term name;

	if (struct_read(text->reader, map, &value, &end))
	{
		text_putc(text, '"');
		struct_put(text, &value, 'T');
		text_putc(text, '"');
		*text->reader = end;
		return false;
	}
	if (map_struct_name(text->reader, map, &name))
		level->form = FORM_STRUCT;
	else if (!map_keys_are(text->reader, map, is_plain_key))
		level->form = FORM_PAIRS;
	text_putc(text, level->form == FORM_PAIRS ? '[' : '{');
	return true;
}

static bool
json_open(TermText *text, const TextLevel *parent, TextLevel *level,
		  const Term *term)
{
	(void) parent;
	if (level->kind == TERM_MAP)
		return open_map(text, level, term);
	text_putc(text, '[');
	return true;
}

static bool
json_before(TermText *text, TextLevel *level, const Term *term)
{
	bool value = level->kind == TERM_MAP && !level_at_key(level);

	if (level->form == FORM_STRUCT && !value &&
		term_is_atom(term, "__struct__"))
	{
		level->index += 2;
		term_skip(text->reader);
		return false;
	}
	if (level->form == FORM_PAIRS)
		text_puts(text, value ? "," : level->started ? "],[" : "[");
	else if (value)
		text_putc(text, ':');
	else if (level->started)
		text_putc(text, ',');
	level->started = true;
	return true;
}

static void
json_close(TermText *text, const TextLevel *level)
{
	if (level->form == FORM_PAIRS)
		text_puts(text, level->started ? "]]" : "]");
	else
		text_putc(text, level->kind == TERM_MAP ? '}' : ']');
}

const TextOps json_ops = {.integer = put_integer,
						  .number = put_float,
						  .atom = put_atom,
						  .binary = put_binary,
						  .bits = put_bits,
						  .export = put_export,
						  .pid = "\"#Pid<",
						  .port = "\"#Port<",
						  .reference = "\"#Ref<",
						  .node = put_name,
						  .identifier_end = ">\"",
						  .fun = "\"#Fun<>\"",
						  .open = json_open,
						  .before = json_before,
						  .close = json_close};
