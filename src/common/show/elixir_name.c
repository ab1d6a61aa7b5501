/*
 * elixir_name.c
 *		Atoms, keys and quoted text as Elixir writes them.
 *
 * For show/elixir.c.  What needs no quotes is decided for ASCII only; quotes
 * around other letters are never wrong.
 */
#include "common/show/elixir_name.h"

#include <string.h>

#include "common/show/style.h"

static const char *const operators[] = {
	"!",	"!=", "!==", "%",	"%{}", "&",	   "&&",  "&&&", "*",  "**",
	"+",	"++", "+++", "-",	"--",  "---",  "->",  ".",	 "..", "...",
	"..//", "/",  "<",	 "<-",	"<<<", "<<>>", "<<~", "<=",	 "<>", "<~",
	"<~>",	"=",  "==",	 "===", "=~",  ">",	   ">=",  ">>>", "@",  "\\\\",
	"^",	"{}", "|",	 "|>",	"||",  "|||",  "~>",  "~>>"};

static bool
name_is(const TermName *name, const char *string)
{
	return name->len == strlen(string) &&
		   memcmp(name->bytes, string, name->len) == 0;
}

/* Everything after the prefix of a module's atom; else NULL. */
static const uint8_t *
after_prefix(const TermName *name)
{
	static const char prefix[] = "Elixir.";
	const uint32_t len = sizeof(prefix) - 1;

	if (name->len < len || memcmp(name->bytes, prefix, len) != 0)
		return NULL;
	return name->bytes + len;
}

static bool
is_upper(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z';
}

static bool
is_word(uint8_t byte)
{
	return is_upper(byte) || (byte >= 'a' && byte <= 'z') ||
		   (byte >= '0' && byte <= '9') || byte == '_';
}

bool
elixir_is_alias(const TermName *name)
{
	const uint8_t *end = name->bytes + name->len;
	const uint8_t *pos = after_prefix(name);

	if (pos == NULL)
		return name_is(name, "Elixir");
	for (; pos < end && is_upper(*pos); pos++)
	{
		while (pos < end && is_word(*pos))
			pos++;
		if (pos == end)
			return true;
		if (*pos != '.')
			return false;
	}
	return false;
}

static bool
is_operator(const TermName *name)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
	{
		if (name_is(name, operators[i]))
			return true;
	}
	return false;
}

static bool
is_identifier(const TermName *name)
{
	const uint8_t *bytes = name->bytes;
	uint32_t len = name->len;

	if (len > 1 && (bytes[len - 1] == '?' || bytes[len - 1] == '!'))
		len--;
	if (len == 0 || !is_word(bytes[0]) || (bytes[0] >= '0' && bytes[0] <= '9'))
		return false;
	for (uint32_t i = 1; i < len; i++)
	{
		if (!is_word(bytes[i]) && bytes[i] != '@')
			return false;
	}
	return true;
}

/* The letter behind the backslash, or 0. */
static char
escape_of(uint32_t code)
{
	/* From 7 to 13. */
	static const char low[] = "abtnvfr";

	if (code >= 7 && code <= 13)
		return low[code - 7];
	switch (code)
	{
		case 0:
			return '0';
		case 0x1B:
			return 'e';
		case 0x7F:
			return 'd';
		case '"':
		case '\\':
			return (char) code;
		default:
			return 0;
	}
}

static void
put_hexadecimal(TermText *text, uint32_t code, int digits)
{
	for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
		text_putc(text, "0123456789ABCDEF"[code >> shift & 15]);
}

/*
 * Odd blanks, and what joins, turns or hides its neighbors.  Elixir 1.14
 * escapes only the last but one of these, newer ones all.
 */
static bool
is_invisible(uint32_t code)
{
	static const struct
	{
		uint32_t first;
		uint32_t last;
	} ranges[] = {{0xA0, 0xA0},		{0x34F, 0x34F},	  {0x61C, 0x61C},
				  {0x2000, 0x200F}, {0x2028, 0x202E}, {0x205F, 0x2064},
				  {0x2066, 0x2069}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFC}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
	{
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	}
	return false;
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
	else if (code_is_printable(code) && !is_invisible(code))
		text_put_code(text, code);
	else
	{
		/* \x with two digits is a byte, not a character, from 80 on. */
		text_puts(text, code < 0x80 ? "\\x" : "\\u");
		put_hexadecimal(text, code, code < 0x80 ? 2 : 4);
	}
}

void
elixir_put_characters(TermText *text, const TermName *name)
{
	uint32_t pos = 0;
	uint32_t code;

	while (name_next(name, &pos, &code))
	{
		bool hash = code == '#' && pos < name->len && name->bytes[pos] == '{';

		if (hash)
			text_putc(text, '\\');
		put_character(text, code);
	}
}

void
elixir_put_quoted(TermText *text, const TermName *name)
{
	text_putc(text, '"');
	elixir_put_characters(text, name);
	text_putc(text, '"');
}

/* Elixir.Elixir keeps its prefix: without it, it would be another atom. */
static void
put_alias(TermText *text, const TermName *name)
{
	TermName rest = *name;
	const uint8_t *stripped = after_prefix(name);

	if (stripped != NULL)
	{
		rest.len -= (uint32_t) (stripped - rest.bytes);
		rest.bytes = stripped;
	}
	if (name_is(&rest, "Elixir") || after_prefix(&rest) != NULL)
		rest = *name;
	text_put(text, (const char *) rest.bytes, rest.len);
}

void
elixir_put_atom(TermText *text, const TermName *name)
{
	if (elixir_is_alias(name))
	{
		put_alias(text, name);
		return;
	}
	if (!name_is(name, "nil") && !name_is(name, "true") &&
		!name_is(name, "false"))
		text_putc(text, ':');
	if (is_identifier(name) || is_operator(name))
		text_put(text, (const char *) name->bytes, name->len);
	else
		elixir_put_quoted(text, name);
}

void
elixir_put_key(TermText *text, const TermName *name)
{
	if (is_identifier(name) ? !elixir_is_alias(name) : is_operator(name))
		text_put(text, (const char *) name->bytes, name->len);
	else
		elixir_put_quoted(text, name);
	text_puts(text, ": ");
}

void
elixir_put_function(TermText *text, const TermName *name)
{
	if (is_operator(name) || (is_identifier(name) && !is_upper(name->bytes[0])))
		text_put(text, (const char *) name->bytes, name->len);
	else
		elixir_put_quoted(text, name);
}

bool
elixir_is_keyword(const TermName *name)
{
	return after_prefix(name) == NULL;
}

bool
elixir_is_printable(uint32_t code)
{
	return code != 0 && (code_is_printable(code) || escape_of(code) != 0);
}
