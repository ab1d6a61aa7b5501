/*
 * token.c
 *		What stands behind each tag of the Erlang external format.
 *
 * The lower half of term/read.c.  Takes what term_to_binary() of
 * OTP 25 to 29 and libei write, old forms of atoms, identifiers and floats
 * included, and refuses what the BEAM would refuse: whoever looks at bytes
 * with this reader must not get a wrong verdict.
 * Two things go unseen: a key that stands twice in a map, for which all keys
 * would have to be kept, and numbers of identifiers above the BEAM's limits.
 *
 * Pids, ports, references and funs are in identifier.c.
 *
 * Where the format has several forms of one thing, there is one token: small
 * bignums that fit are integers, a bitstring of whole bytes is a binary, an
 * empty string is nil.
 */
#include "common/term/token.h"

#include <stdlib.h>
#include <string.h>

#include "common/term/utf8.h"

/* A limit of the BEAM. */
#define ATOM_CHARACTERS 255

/* Text of a float in its old form. */
#define OLD_FLOAT_SIZE 31
#define DIGITS "0123456789"

bool
term_take_content(TermReader *reader, Term *term, TermKind kind, uint64_t len)
{
	term->kind = kind;
	term->len = (uint32_t) len;
	term->bytes = term_take_bytes(reader, len);
	return term->bytes != NULL;
}

/*
 * A container: each child takes a byte at least, so a count that cannot be
 * true ends here and not after a walk to the end of the input.
 */
static bool
take_count(TermReader *reader, Term *term, TermKind kind, size_t size)
{
	term->kind = kind;
	term->count = (uint32_t) term_take_uint(reader, size);
	if (reader->error == NULL && term_children(term) > term_remaining(reader))
		return term_fail_count(reader);
	return reader->error == NULL;
}

/* ISO 8859-1 or UTF-8, after its length of "size" bytes. */
static bool
take_name(TermReader *reader, TermName *name, size_t size, bool latin1)
{
	size_t characters;

	name->latin1 = latin1;
	name->len = (uint32_t) term_take_uint(reader, size);
	name->bytes = term_take_bytes(reader, name->len);
	if (name->bytes == NULL)
		return false;
	characters = name->len;
	if (!latin1 && !utf8_check(name->bytes, name->len, &characters))
		return term_fail(reader, "atom is not valid UTF-8");
	if (characters > ATOM_CHARACTERS)
		return term_fail(reader, "atom is longer than 255 characters");
	return true;
}

bool
term_take_name(TermReader *reader, TermName *name, uint8_t tag)
{
	switch (tag)
	{
		case TAG_ATOM:
			return take_name(reader, name, 2, true);
		case TAG_SMALL_ATOM:
			return take_name(reader, name, 1, true);
		case TAG_ATOM_UTF8:
			return take_name(reader, name, 2, false);
		case TAG_SMALL_ATOM_UTF8:
			return take_name(reader, name, 1, false);
		default:
			return term_fail(reader, "an atom was expected inside this term");
	}
}

static bool
set_integer(TermReader *reader, Term *term, int64_t value)
{
	term->kind = TERM_INTEGER;
	term->integer = value;
	return reader->error == NULL;
}

static bool
set_float(TermReader *reader, Term *term, double value)
{
	/* Compares false for NaN as well. */
	if (!(value - value == 0))
		return term_fail(reader, "float is not finite");
	term->kind = TERM_FLOAT;
	term->real = value;
	return reader->error == NULL;
}

static bool
take_new_float(TermReader *reader, Term *term)
{
	uint64_t pattern = term_take_uint(reader, 8);
	double value;

	memcpy(&value, &pattern, sizeof(value));
	return set_float(reader, term, value);
}

/*
 * The text form, as sprintf("%.20e") writes it, padded with zero bytes.
 * strtod() would also take what is not a number to Erlang (hexadecimal,
 * infinity), hence the look at each character.  Both programs that use this
 * keep LC_NUMERIC at "C".
 */
/*
 * 1.5e-3: digits on both sides of the point, unlike strtod has it.  A BEAM
 * reads a comma there, too, and has been seen to write one.
 */
static bool
is_float_text(char *text)
{
	char *whole = text + (*text == '-' || *text == '+');
	char *point = whole + strspn(whole, DIGITS);
	const char *end;

	if (point == whole || (*point != '.' && *point != ','))
		return false;
	*point = '.';
	end = point + 1 + strspn(point + 1, DIGITS);
	if (end == point + 1)
		return false;
	if (*end != 'e' && *end != 'E')
		return *end == '\0';
	end += 1 + (end[1] == '-' || end[1] == '+');
	return *end != '\0' && end[strspn(end, DIGITS)] == '\0';
}

static bool
take_text_float(TermReader *reader, Term *term)
{
	const uint8_t *bytes = term_take_bytes(reader, OLD_FLOAT_SIZE);
	char text[OLD_FLOAT_SIZE + 1] = "";

	if (bytes == NULL)
		return false;
	memcpy(text, bytes, OLD_FLOAT_SIZE);
	if (!is_float_text(text))
		return term_fail(reader, "float is not a number");
	return set_float(reader, term, strtod(text, NULL));
}

static bool
take_big(TermReader *reader, Term *term, size_t size)
{
	uint64_t len = term_take_uint(reader, size);
	uint64_t magnitude;

	term->negative = term_take_uint(reader, 1) != 0;
	if (!term_take_content(reader, term, TERM_BIG, len))
		return false;
	while (term->len > 0 && term->bytes[term->len - 1] == 0)
		term->len--;
	if (term->len > 8)
		return true;
	magnitude = term_magnitude(term);
	if (magnitude <= INT64_MAX)
	{
		int64_t value = (int64_t) magnitude;

		return set_integer(reader, term, term->negative ? -value : value);
	}
	if (term->negative && magnitude == (uint64_t) INT64_MAX + 1)
		return set_integer(reader, term, INT64_MIN);
	return true;
}

static bool
take_bits(TermReader *reader, Term *term)
{
	uint64_t len = term_take_uint(reader, 4);

	term->bits = (uint8_t) term_take_uint(reader, 1);
	if (!term_take_content(reader, term, TERM_BITS, len))
		return false;
	if (term->bits > 8 || (term->bits == 0) != (len == 0))
		return term_fail(reader, "bitstring with a wrong number of bits");
	if (len == 0 || term->bits == 8)
		term->kind = TERM_BINARY;
	return true;
}

/* A list of no elements is its tail, which may be such a list again. */
static bool
take_list(TermReader *reader, Term *term)
{
	if (!take_count(reader, term, TERM_LIST, 4))
		return false;
	if (term->count > 0)
		return true;
	while (term_remaining(reader) >= 5 &&
		   memcmp(reader->pos, "\x6c\0\0\0\0", 5) == 0)
		reader->pos += 5;
	return term_next(reader, term);
}

static bool
take_string(TermReader *reader, Term *term)
{
	if (!term_take_content(reader, term, TERM_STRING,
						   term_take_uint(reader, 2)))
		return false;
	if (term->len == 0)
		term->kind = TERM_NIL;
	return true;
}

/* One function per family, so that this stays a table. */
bool
term_take(TermReader *reader, Term *term, uint8_t tag)
{
	switch (tag)
	{
		case TAG_SMALL_INTEGER:
			return set_integer(reader, term,
							   (int64_t) term_take_uint(reader, 1));
		case TAG_INTEGER:
			return set_integer(reader, term,
							   (int32_t) term_take_uint(reader, 4));
		case TAG_SMALL_BIG:
			return take_big(reader, term, 1);
		case TAG_LARGE_BIG:
			return take_big(reader, term, 4);
		case TAG_NEW_FLOAT:
			return take_new_float(reader, term);
		case TAG_FLOAT:
			return take_text_float(reader, term);
		case TAG_ATOM:
		case TAG_SMALL_ATOM:
		case TAG_ATOM_UTF8:
		case TAG_SMALL_ATOM_UTF8:
			term->kind = TERM_ATOM;
			return term_take_name(reader, &term->name, tag);
		case TAG_BINARY:
			return term_take_content(reader, term, TERM_BINARY,
									 term_take_uint(reader, 4));
		case TAG_BIT_BINARY:
			return take_bits(reader, term);
		case TAG_NIL:
			term->kind = TERM_NIL;
			return true;
		case TAG_STRING:
			return take_string(reader, term);
		case TAG_LIST:
			return take_list(reader, term);
		case TAG_SMALL_TUPLE:
			return take_count(reader, term, TERM_TUPLE, 1);
		case TAG_LARGE_TUPLE:
			return take_count(reader, term, TERM_TUPLE, 4);
		case TAG_MAP:
			return take_count(reader, term, TERM_MAP, 4);
		case TAG_COMPRESSED:
			return term_fail(reader, "compressed terms are not supported");
		case TAG_DISTRIBUTION:
			return term_fail(reader, "distribution headers are not supported");
		default:
			return term_take_identifier(reader, term, tag);
	}
}
