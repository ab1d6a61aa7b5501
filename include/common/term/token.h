/*
 * token.h
 *		Between the two halves of the reader: read.c, which walks, and token.c
 *		and identifier.c, which know the tags.
 */
#ifndef ETF_TERM_TOKEN_H
#define ETF_TERM_TOKEN_H

#include "common/term/read.h"
#include "common/term/tags.h"

/* An error that more input might mend; returns false. */
extern bool term_fail_cut(TermReader *reader, const char *error);

/* "More elements announced than data left." */
extern bool term_fail_count(TermReader *reader);

/* The next "len" bytes, or NULL and an error when they are not there. */
static inline const uint8_t *
term_take_bytes(TermReader *reader, size_t len)
{
	const uint8_t *bytes = reader->pos;

	if (reader->error != NULL || term_remaining(reader) < len)
	{
		term_fail_cut(reader, "the data ends inside a term");
		return NULL;
	}
	reader->pos += len;
	return bytes;
}

/* A big-endian number of "size" bytes; 0 after an error. */
static inline uint64_t
term_take_uint(TermReader *reader, size_t size)
{
	const uint8_t *bytes = term_take_bytes(reader, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes != NULL && i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* The bytes of a term that is no more than these. */
extern bool term_take_content(TermReader *reader, Term *term, TermKind kind,
							  uint64_t len);

/* An atom, of which the tag has been read, of any form. */
extern bool term_take_name(TermReader *reader, TermName *name, uint8_t tag);

/* Read what follows this tag. */
extern bool term_take(TermReader *reader, Term *term, uint8_t tag);

/* The same for pids, ports, references and funs. */
extern bool term_take_identifier(TermReader *reader, Term *term, uint8_t tag);

#endif
