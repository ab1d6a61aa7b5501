/*
 * elixir.c
 *		Show terms as Elixir's inspect/2 does, on one line, without limits.
 *
 * A style of show/text.c.  Departures: lists are never shown as charlists,
 * atoms with characters beyond ASCII always stand in quotes, a struct is shown
 * with its name also where Elixir does not know it, its fields in the order of
 * the bytes, and one with a year or an hour that no sigil takes is shown as any
 * other struct.
 */
#include <math.h>

#include "common/show/elixir_name.h"
#include "common/show/struct.h"
#include "common/show/style.h"
#include "common/term/utf8.h"

/* Forms of a level. */
enum
{
	FORM_PLAIN,	  /* {1, 2} [1, 2] %{1 => 2} */
	FORM_KEYWORD, /* %{a: 1}, and the list of [a: 1] */
	FORM_PAIR,	  /* the tuple in [a: 1] */
	FORM_STRUCT	  /* %Name{a: 1} */
};

static bool
is_text(const Term *binary)
{
	uint32_t code;

	for (uint32_t pos = 0; pos < binary->len;)
	{
		size_t size =
			utf8_decode(binary->bytes + pos, binary->len - pos, &code);

		if (size == 0 || !elixir_is_printable(code))
			return false;
		pos += (uint32_t) size;
	}
	return true;
}

/* Bytes as numbers; of the last byte of a bitstring some bits only. */
static void
put_bytes(TermText *text, const Term *term)
{
	text_puts(text, "<<");
	for (uint32_t i = 0; i < term->len; i++)
	{
		bool part = term->kind == TERM_BITS && i == term->len - 1;

		if (i > 0)
			text_puts(text, ", ");
		text_put_uint(text,
					  (uint64_t) term->bytes[i] >> (part ? 8 - term->bits : 0));
		if (part)
		{
			text_puts(text, "::size(");
			text_put_uint(text, term->bits);
			text_putc(text, ')');
		}
	}
	text_puts(text, ">>");
}

static void
put_binary(TermText *text, const Term *term)
{
	TermName name = {.bytes = term->bytes, .len = term->len};

	if (is_text(term))
		elixir_put_quoted(text, &name);
	else
		put_bytes(text, term);
}

/* Erlang's layout, but whole numbers below 10^16 without an exponent. */
static void
put_float(TermText *text, const Term *term)
{
	char digits[FLOAT_TEXT_SIZE];
	double value = term->real;
	double size = fabs(value);

	if (size < 1 || size >= 1e16 || size != (double) (uint64_t) size)
	{
		text_put(text, digits, float_to_text(value, digits));
		return;
	}
	if (value < 0)
		text_putc(text, '-');
	text_put_uint(text, (uint64_t) size);
	text_puts(text, ".0");
}

static void
put_export(TermText *text, const Term *term)
{
	text_putc(text, '&');
	elixir_put_atom(text, &term->name);
	text_putc(text, '.');
	elixir_put_function(text, &term->function);
	text_putc(text, '/');
	text_put_uint(text, (uint64_t) term->integer);
}

static void
put_integer(TermText *text, const Term *term)
{
	text_put_integer(text, term, "0x");
}

/* Is a child that comes next a key that is followed by a colon? */
static bool
is_bare_key(const TextLevel *parent)
{
	if (parent == NULL || parent->form == FORM_PLAIN)
		return false;
	if (parent->form == FORM_PAIR)
		return parent->index == 0;
	return level_at_key(parent);
}

static void
put_atom(TermText *text, const Term *term)
{
	if (is_bare_key(text_innermost(text)))
		elixir_put_key(text, &term->name);
	else
		elixir_put_atom(text, &term->name);
}

static bool
is_keyword(const Term *key)
{
	return key->kind == TERM_ATOM && elixir_is_keyword(&key->name);
}

/* Does each element have two elements, an atom first? */
static bool
is_keyword_list(const TermReader *reader, const Term *list)
{
	TermReader ahead = *reader;
	Term term;

	if (list->kind != TERM_LIST)
		return false;
	for (uint32_t i = 0; i < list->count; i++)
	{
		if (!term_next(&ahead, &term) || term.kind != TERM_TUPLE ||
			term.count != 2 || !term_next(&ahead, &term) ||
			!is_keyword(&term) || !term_skip(&ahead))
			return false;
	}
	return term_next(&ahead, &term) && term.kind == TERM_NIL;
}

static void
put_sigil(TermText *text, const StructValue *value)
{
	static const char *const openings[] = {[STRUCT_DATE] = "~D[",
										   [STRUCT_TIME] = "~T[",
										   [STRUCT_NAIVE_DATETIME] = "~N[",
										   [STRUCT_DATETIME] = "~U[",
										   [STRUCT_DECIMAL] = "Decimal.new(\""};

	text_puts(text, openings[value->kind]);
	struct_put(text, value, ' ');
	text_puts(text, value->kind == STRUCT_DECIMAL ? "\")" : "]");
}

static bool
open_map(TermText *text, TextLevel *level, const Term *map)
{
	StructValue value;
	TermReader end;
	Term name;

	if (struct_read(text->reader, map, &value, &end) &&
		struct_is_regular(&value))
	{
		put_sigil(text, &value);
		*text->reader = end;
		return false;
	}
	text_putc(text, '%');
	if (map_struct_name(text->reader, map, &name) &&
		elixir_is_alias(&name.name))
	{
		elixir_put_atom(text, &name.name);
		level->form = FORM_STRUCT;
	}
	else if (map_keys_are(text->reader, map, is_keyword))
		level->form = FORM_KEYWORD;
	text_putc(text, '{');
	return true;
}

static bool
elixir_open(TermText *text, const TextLevel *parent, TextLevel *level,
			const Term *term)
{
	if (level->kind == TERM_MAP)
		return open_map(text, level, term);
	if (level->kind != TERM_TUPLE)
	{
		if (is_keyword_list(text->reader, term))
			level->form = FORM_KEYWORD;
		text_putc(text, '[');
	}
	else if (parent != NULL && parent->kind == TERM_LIST &&
			 parent->form == FORM_KEYWORD)
		level->form = FORM_PAIR;
	else
		text_putc(text, '{');
	return true;
}

/* The struct's name stands before the brace already. */
static bool
leave_out_name(TermText *text, TextLevel *level)
{
	level->index += 2;
	term_skip(text->reader);
	return false;
}

static bool
elixir_before(TermText *text, TextLevel *level, const Term *term)
{
	bool value = level->kind == TERM_MAP && !level_at_key(level);

	if (level->form == FORM_STRUCT && !value &&
		term_is_atom(term, "__struct__"))
		return leave_out_name(text, level);
	if (value && level->form == FORM_PLAIN)
		text_puts(text, " => ");
	else if (level->started && !value && level->form != FORM_PAIR)
		text_puts(text, level_at_tail(level) ? " | " : ", ");
	level->started = true;
	return true;
}

static void
elixir_close(TermText *text, const TextLevel *level)
{
	if (level->form == FORM_PAIR)
		return;
	text_putc(text,
			  level->kind == TERM_TUPLE || level->kind == TERM_MAP ? '}' : ']');
}

const TextOps elixir_ops = {.integer = put_integer,
							.number = put_float,
							.atom = put_atom,
							.binary = put_binary,
							.bits = put_bytes,
							.export = put_export,
							.pid = "#PID<",
							.port = "#Port<",
							.reference = "#Reference<",
							.node = elixir_put_characters,
							.identifier_end = ">",
							.fun = "#Function<>",
							.open = elixir_open,
							.before = elixir_before,
							.close = elixir_close};
