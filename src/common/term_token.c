/*
 * term_token.c
 *		What stands behind each tag of the Erlang external format.
 *
 * The lower half of term_read.c.  Takes what term_to_binary() of
 * OTP 25 to 29 and libei write, old forms of atoms, identifiers and floats
 * included, and refuses what the BEAM would refuse: whoever looks at bytes
 * with this reader must not be told that they are fine when they are not.
 * Two things go unseen: a key that stands twice in a map, for which all keys
 * would have to be kept, and numbers of identifiers above the BEAM's limits.
 *
 * Where the format has several forms of one thing, there is one token: small
 * bignums that fit are integers, a bitstring of whole bytes is a binary, an
 * empty string is nil.
 */
#include "common/term_token.h"

#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

/* Limits of the BEAM. */
#define ATOM_CHARACTERS 255
#define REFERENCE_WORDS 5

/* Text of a float in its old form. */
#define OLD_FLOAT_SIZE 31

/* Arity, checksum, index and number of free variables of a fun. */
#define NEW_FUN_HEAD (1 + 16 + 4 + 4)

/* A big-endian number of "size" bytes; 0 after an error. */
static uint64_t
take_uint(TermReader *reader, size_t size)
{
	const uint8_t *bytes = term_take_bytes(reader, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes != NULL && i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

static bool
take_bytes(TermReader *reader, Term *term, TermKind kind, uint64_t len)
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
	term->count = (uint32_t) take_uint(reader, size);
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
	name->len = (uint32_t) take_uint(reader, size);
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

static bool
take_tagged_name(TermReader *reader, TermName *name, uint8_t tag)
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

/* The atom inside an identifier or an export. */
static bool
take_inner_name(TermReader *reader, TermName *name)
{
	uint8_t tag = (uint8_t) take_uint(reader, 1);

	return reader->error == NULL && take_tagged_name(reader, name, tag);
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
	uint64_t pattern = take_uint(reader, 8);
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
static bool
take_text_float(TermReader *reader, Term *term)
{
	const uint8_t *bytes = term_take_bytes(reader, OLD_FLOAT_SIZE);
	char text[OLD_FLOAT_SIZE + 1] = "";
	char *end;
	double value;

	if (bytes == NULL)
		return false;
	memcpy(text, bytes, OLD_FLOAT_SIZE);
	value = strtod(text, &end);
	if (end == text || *end != '\0' ||
		text[strspn(text, "+-.0123456789eE")] != '\0')
		return term_fail(reader, "float is not a number");
	return set_float(reader, term, value);
}

static bool
take_big(TermReader *reader, Term *term, size_t size)
{
	uint64_t len = take_uint(reader, size);
	uint64_t magnitude;

	term->negative = take_uint(reader, 1) != 0;
	if (!take_bytes(reader, term, TERM_BIG, len))
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
	uint64_t len = take_uint(reader, 4);

	term->bits = (uint8_t) take_uint(reader, 1);
	if (!take_bytes(reader, term, TERM_BITS, len))
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
	if (!take_bytes(reader, term, TERM_STRING, take_uint(reader, 2)))
		return false;
	if (term->len == 0)
		term->kind = TERM_NIL;
	return true;
}

static bool
take_pid(TermReader *reader, Term *term, size_t creation_size)
{
	term->kind = TERM_PID;
	if (!take_inner_name(reader, &term->name))
		return false;
	term->id = take_uint(reader, 4);
	term->serial = (uint32_t) take_uint(reader, 4);
	term->creation = (uint32_t) take_uint(reader, creation_size);
	return reader->error == NULL;
}

static bool
take_port(TermReader *reader, Term *term, size_t id_size, size_t creation_size)
{
	term->kind = TERM_PORT;
	if (!take_inner_name(reader, &term->name))
		return false;
	term->id = take_uint(reader, id_size);
	term->creation = (uint32_t) take_uint(reader, creation_size);
	return reader->error == NULL;
}

/* The first form, of one number, has its creation at the end. */
static bool
take_old_reference(TermReader *reader, Term *term)
{
	if (!take_inner_name(reader, &term->name) ||
		!take_bytes(reader, term, TERM_REFERENCE, 4))
		return false;
	term->creation = (uint32_t) take_uint(reader, 1);
	return reader->error == NULL;
}

static bool
take_reference(TermReader *reader, Term *term, size_t creation_size)
{
	uint64_t words = take_uint(reader, 2);

	if (reader->error == NULL && (words == 0 || words > REFERENCE_WORDS))
		return term_fail(reader, "reference with a wrong number of words");
	if (!take_inner_name(reader, &term->name))
		return false;
	term->creation = (uint32_t) take_uint(reader, creation_size);
	return take_bytes(reader, term, TERM_REFERENCE, words * 4);
}

static bool
take_export(TermReader *reader, Term *term)
{
	if (!take_inner_name(reader, &term->name) ||
		!take_inner_name(reader, &term->function))
		return false;
	if (take_uint(reader, 1) != TAG_SMALL_INTEGER)
		return term_fail(reader, "export without an arity");
	term->kind = TERM_EXPORT;
	term->integer = (int64_t) take_uint(reader, 1);
	return reader->error == NULL;
}

static bool
take_fun_number(TermReader *reader)
{
	uint64_t tag = take_uint(reader, 1);

	if (reader->error == NULL && tag != TAG_SMALL_INTEGER && tag != TAG_INTEGER)
		return term_fail(reader, "an integer was expected inside this fun");
	take_uint(reader, tag == TAG_INTEGER ? 4 : 1);
	return reader->error == NULL;
}

static bool
take_fun_pid(TermReader *reader, Term *term)
{
	uint64_t tag = take_uint(reader, 1);

	if (reader->error == NULL && tag != TAG_PID && tag != TAG_NEW_PID)
		return term_fail(reader, "a pid was expected inside this fun");
	return take_pid(reader, term, tag == TAG_NEW_PID ? 4 : 1);
}

/* Free variables are what is left of a fun, as children. */
static bool
set_fun(TermReader *reader, Term *term, uint64_t variables)
{
	term->kind = TERM_FUN;
	term->count = (uint32_t) variables;
	if (reader->error == NULL && variables > term_remaining(reader))
		return term_fail_count(reader);
	return reader->error == NULL;
}

/*
 * Its size is not believed: as the BEAM does, it goes by what stands there.
 * Arity, checksum and index before the number of free variables can be any.
 */
static bool
take_new_fun(TermReader *reader, Term *term)
{
	uint64_t size = take_uint(reader, 4);
	uint64_t variables;

	if (reader->error == NULL && size < 4 + NEW_FUN_HEAD)
		return term_fail(reader, "fun with a wrong size");
	term_take_bytes(reader, NEW_FUN_HEAD - 4);
	variables = take_uint(reader, 4);
	return take_inner_name(reader, &term->name) && take_fun_number(reader) &&
		   take_fun_number(reader) && take_fun_pid(reader, term) &&
		   set_fun(reader, term, variables);
}

/* libei's form. */
static bool
take_old_fun(TermReader *reader, Term *term)
{
	uint64_t variables = take_uint(reader, 4);

	if (reader->error == NULL && !take_fun_pid(reader, term))
		return false;
	return take_inner_name(reader, &term->name) && take_fun_number(reader) &&
		   take_fun_number(reader) && set_fun(reader, term, variables);
}

static bool
take_identifier(TermReader *reader, Term *term, uint8_t tag)
{
	switch (tag)
	{
		case TAG_PID:
			return take_pid(reader, term, 1);
		case TAG_NEW_PID:
			return take_pid(reader, term, 4);
		case TAG_PORT:
			return take_port(reader, term, 4, 1);
		case TAG_NEW_PORT:
			return take_port(reader, term, 4, 4);
		case TAG_V4_PORT:
			return take_port(reader, term, 8, 4);
		case TAG_REFERENCE:
			return take_old_reference(reader, term);
		case TAG_NEW_REFERENCE:
			return take_reference(reader, term, 1);
		case TAG_NEWER_REFERENCE:
			return take_reference(reader, term, 4);
		case TAG_EXPORT:
			return take_export(reader, term);
		case TAG_NEW_FUN:
			return take_new_fun(reader, term);
		case TAG_FUN:
			return take_old_fun(reader, term);
		default:
			return term_fail(reader, "unknown tag");
	}
}

/* One function per family, so that this stays a table. */
bool
term_take(TermReader *reader, Term *term, uint8_t tag)
{
	switch (tag)
	{
		case TAG_SMALL_INTEGER:
			return set_integer(reader, term, (int64_t) take_uint(reader, 1));
		case TAG_INTEGER:
			return set_integer(reader, term, (int32_t) take_uint(reader, 4));
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
			return take_tagged_name(reader, &term->name, tag);
		case TAG_BINARY:
			return take_bytes(reader, term, TERM_BINARY, take_uint(reader, 4));
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
			return take_identifier(reader, term, tag);
	}
}
