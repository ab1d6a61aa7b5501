/*
 * read.c
 *		Walk over terms of the Erlang external format.
 *
 * Between term/token.c, which knows the tags, and the readers of whole things:
 * frame/read.c, the term_*.c that print, the client's commands.
 */
#include "common/term/read.h"

#include <string.h>

#include "common/term/token.h"

void
term_read_init(TermReader *reader, const void *bytes, size_t len)
{
	/* No arithmetic on a null pointer, even without any data. */
	const uint8_t *start = len > 0 ? bytes : (const uint8_t *) "";

	*reader = (TermReader){
		.start = start, .pos = start, .end = start + len, .token = start};
}

bool
term_fail(TermReader *reader, const char *error)
{
	if (reader->error == NULL)
	{
		reader->error = error;
		reader->error_offset = (size_t) (reader->token - reader->start);
	}
	return false;
}

bool
term_fail_cut(TermReader *reader, const char *error)
{
	reader->cut |= reader->error == NULL;
	return term_fail(reader, error);
}

bool
term_fail_count(TermReader *reader)
{
	return term_fail_cut(reader, "more elements announced than data left");
}

bool
term_next(TermReader *reader, Term *term)
{
	const uint8_t *tag;

	if (reader->error != NULL)
		return false;
	reader->token = reader->pos;
	term->offset = term_offset(reader);
	tag = term_take_bytes(reader, 1);
	return tag != NULL && term_take(reader, term, *tag);
}

bool
term_read_version(TermReader *reader)
{
	const uint8_t *version;

	reader->token = reader->pos;
	version = term_take_bytes(reader, 1);
	if (version == NULL || *version != TERM_VERSION)
		return term_fail(reader, "not in external term format: it does not "
								 "start with byte 131");
	return true;
}

uint64_t
term_magnitude(const Term *term)
{
	uint64_t value = 0;

	for (uint32_t i = term->len; i > 0; i--)
		value = value << 8 | term->bytes[i - 1];
	return value;
}

uint64_t
term_children(const Term *term)
{
	switch (term->kind)
	{
		case TERM_TUPLE:
		case TERM_FUN:
			return term->count;
		case TERM_LIST:
			return (uint64_t) term->count + 1;
		case TERM_MAP:
			return (uint64_t) term->count * 2;
		default:
			return 0;
	}
}

/*
 * Nested containers may announce more in sum than each does alone, so the
 * terms that are still to come are checked against the input as well.
 */
bool
term_skip(TermReader *reader)
{
	uint64_t pending = 1;
	Term term;

	while (pending > 0)
	{
		if (!term_next(reader, &term))
			return false;
		pending += term_children(&term) - 1;
		if (pending > term_remaining(reader))
			return term_fail_count(reader);
	}
	return true;
}

bool
term_next_tuple(TermReader *reader, uint32_t arity, const char *error)
{
	Term term;

	if (!term_next(reader, &term))
		return false;
	return (term.kind == TERM_TUPLE && term.count == arity) ||
		   term_fail(reader, error);
}

bool
term_next_atom(TermReader *reader, Term *term, const char *error)
{
	return term_next(reader, term) &&
		   (term->kind == TERM_ATOM || term_fail(reader, error));
}

bool
term_next_int64(TermReader *reader, int64_t *value, const char *error)
{
	Term term;

	if (!term_next(reader, &term))
		return false;
	if (term.kind != TERM_INTEGER)
		return term_fail(reader, error);
	*value = term.integer;
	return true;
}

bool
term_next_uint64(TermReader *reader, uint64_t *value, const char *error)
{
	Term term;

	if (!term_next(reader, &term))
		return false;
	if (term.kind == TERM_BIG && !term.negative && term.len <= 8)
		*value = term_magnitude(&term);
	else if (term.kind == TERM_INTEGER && term.integer >= 0)
		*value = (uint64_t) term.integer;
	else
		return term_fail(reader, error);
	return true;
}

bool
term_is_atom(const Term *term, const char *name)
{
	return term->kind == TERM_ATOM && term->name.len == strlen(name) &&
		   memcmp(term->name.bytes, name, term->name.len) == 0;
}
