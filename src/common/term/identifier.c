/*
 * identifier.c
 *		What stands behind the tags of pids, ports, references and funs.
 *
 * Old forms included; token.c has all other tags.
 */
#include "common/term/token.h"

/* A limit of the BEAM. */
#define REFERENCE_WORDS 5

/* Arity, checksum, index and number of free variables of a fun. */
#define NEW_FUN_HEAD (1 + 16 + 4 + 4)

/* The atom inside an identifier or an export. */
static bool
take_inner_name(TermReader *reader, TermName *name)
{
	uint8_t tag = (uint8_t) term_take_uint(reader, 1);

	return reader->error == NULL && term_take_name(reader, name, tag);
}

/* Of one byte only two bits are used. */
static bool
take_creation(TermReader *reader, Term *term, size_t size)
{
	term->creation = (uint32_t) term_take_uint(reader, size);
	if (reader->error == NULL && size == 1 && term->creation > 3)
		return term_fail(reader, "creation of more than 2 bits");
	return reader->error == NULL;
}

static bool
take_pid(TermReader *reader, Term *term, size_t creation_size)
{
	term->kind = TERM_PID;
	if (!take_inner_name(reader, &term->name))
		return false;
	term->id = term_take_uint(reader, 4);
	term->serial = (uint32_t) term_take_uint(reader, 4);
	return take_creation(reader, term, creation_size);
}

static bool
take_port(TermReader *reader, Term *term, size_t id_size, size_t creation_size)
{
	term->kind = TERM_PORT;
	if (!take_inner_name(reader, &term->name))
		return false;
	term->id = term_take_uint(reader, id_size);
	return take_creation(reader, term, creation_size);
}

/* The first form, of one number, has its creation at the end. */
static bool
take_old_reference(TermReader *reader, Term *term)
{
	if (!take_inner_name(reader, &term->name) ||
		!term_take_content(reader, term, TERM_REFERENCE, 4))
		return false;
	if (term->bytes[0] != 0 || term->bytes[1] > 3)
		return term_fail(reader, "reference of more than 18 bits");
	return take_creation(reader, term, 1);
}

static bool
take_reference(TermReader *reader, Term *term, size_t creation_size)
{
	uint64_t words = term_take_uint(reader, 2);

	if (reader->error == NULL && (words == 0 || words > REFERENCE_WORDS))
		return term_fail(reader, "reference with a wrong number of words");
	if (!take_inner_name(reader, &term->name))
		return false;
	return take_creation(reader, term, creation_size) &&
		   term_take_content(reader, term, TERM_REFERENCE, words * 4);
}

static bool
take_export(TermReader *reader, Term *term)
{
	if (!take_inner_name(reader, &term->name) ||
		!take_inner_name(reader, &term->function))
		return false;
	if (term_take_uint(reader, 1) != TAG_SMALL_INTEGER)
		return term_fail(reader, "export without an arity");
	term->kind = TERM_EXPORT;
	term->integer = (int64_t) term_take_uint(reader, 1);
	return reader->error == NULL;
}

static bool
take_fun_number(TermReader *reader)
{
	uint64_t tag = term_take_uint(reader, 1);

	if (reader->error == NULL && tag != TAG_SMALL_INTEGER && tag != TAG_INTEGER)
		return term_fail(reader, "an integer was expected inside this fun");
	term_take_uint(reader, tag == TAG_INTEGER ? 4 : 1);
	return reader->error == NULL;
}

static bool
take_fun_pid(TermReader *reader, Term *term)
{
	uint64_t tag = term_take_uint(reader, 1);

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
	uint64_t size = term_take_uint(reader, 4);
	uint64_t variables;

	if (reader->error == NULL && size < 4 + NEW_FUN_HEAD)
		return term_fail(reader, "fun with a wrong size");
	term_take_bytes(reader, NEW_FUN_HEAD - 4);
	variables = term_take_uint(reader, 4);
	return take_inner_name(reader, &term->name) && take_fun_number(reader) &&
		   take_fun_number(reader) && take_fun_pid(reader, term) &&
		   set_fun(reader, term, variables);
}

/* libei's form. */
static bool
take_old_fun(TermReader *reader, Term *term)
{
	uint64_t variables = term_take_uint(reader, 4);

	if (reader->error == NULL && !take_fun_pid(reader, term))
		return false;
	return take_inner_name(reader, &term->name) && take_fun_number(reader) &&
		   take_fun_number(reader) && set_fun(reader, term, variables);
}

bool
term_take_identifier(TermReader *reader, Term *term, uint8_t tag)
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
