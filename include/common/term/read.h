/*
 * read.h
 *		Read terms of the Erlang external format, one token at a time.
 *
 * A term is read in the order of its bytes: a tuple, list or map is a token
 * that tells how many terms follow, then come these, each perhaps a container
 * itself.  Everything is checked against the end of the input first, which
 * libei's ei_decode_* do not do.
 *
 *		term_read_init(&reader, bytes, len);
 *		while (term_next(&reader, &term))
 *			...
 *
 * An error is kept: after the first one every call returns false, "error" is
 * a text that never changes and "error_offset" the place of the term that is
 * wrong, counted from the start of the input.  Terms point into the input,
 * which belongs to the caller; nothing is copied or allocated.
 */
#ifndef ETF_TERM_READ_H
#define ETF_TERM_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First byte of everything that term_to_binary() returns. */
#define TERM_VERSION 131

typedef enum TermKind
{
	TERM_INTEGER,	/* integer */
	TERM_BIG,		/* negative; bytes, len: magnitude, lowest byte first */
	TERM_FLOAT,		/* real, always finite */
	TERM_ATOM,		/* name */
	TERM_BINARY,	/* bytes, len */
	TERM_BITS,		/* bytes, len; bits: how many of the last byte, 1 to 7 */
	TERM_NIL,		/* the empty list */
	TERM_STRING,	/* bytes, len: a list of small integers, never empty */
	TERM_TUPLE,		/* count elements follow */
	TERM_LIST,		/* count elements, at least one, then the tail follow */
	TERM_MAP,		/* count times a key and a value follow */
	TERM_PID,		/* name: node; id, serial, creation */
	TERM_PORT,		/* name: node; id, creation */
	TERM_REFERENCE, /* name: node; creation; bytes, len: 4 for each number */
	TERM_EXPORT,	/* name: module; function; integer: arity */
	TERM_FUN		/* count free variables follow */
} TermKind;

/* Text of an atom: UTF-8 that was checked, or ISO 8859-1. */
typedef struct TermName
{
	const uint8_t *bytes;
	uint32_t len;
	bool latin1;
} TermName;

/* Only the members that the kind has are set. */
typedef struct Term
{
	TermKind kind;
	size_t offset; /* of its first byte, from the start of the input */
	int64_t integer;
	double real;
	const uint8_t *bytes;
	uint32_t len;
	uint32_t count;
	uint8_t bits;
	bool negative;
	TermName name;
	TermName function;
	uint64_t id;
	uint32_t serial;
	uint32_t creation;
} Term;

typedef struct TermReader
{
	const uint8_t *start;
	const uint8_t *pos;
	const uint8_t *end;
	const uint8_t *token; /* where the latest token began */
	const char *error;
	size_t error_offset;
	bool cut; /* the error is that the input ends too early */
} TermReader;

extern void term_read_init(TermReader *reader, const void *bytes, size_t len);

/* Read the byte in front of a term that stands alone. */
extern bool term_read_version(TermReader *reader);

/* Read one token; at the end of the input this is an error. */
extern bool term_next(TermReader *reader, Term *term);

/* Pass over one whole term, in one loop, however deep it is. */
extern bool term_skip(TermReader *reader);

/* How many terms follow that belong to this one. */
extern uint64_t term_children(const Term *term);

/* A magnitude of up to 8 bytes. */
extern uint64_t term_magnitude(const Term *term);

/* Is nothing left to read? */
static inline bool
term_at_end(const TermReader *reader)
{
	return reader->pos == reader->end;
}

static inline size_t
term_remaining(const TermReader *reader)
{
	return (size_t) (reader->end - reader->pos);
}

static inline size_t
term_offset(const TermReader *reader)
{
	return (size_t) (reader->pos - reader->start);
}

/*
 * Readers of one particular term: what else is there is an error with this
 * text, a constant of the caller.
 */
extern bool term_next_tuple(TermReader *reader, uint32_t arity,
							const char *error);
extern bool term_next_atom(TermReader *reader, Term *term, const char *error);
extern bool term_next_int64(TermReader *reader, int64_t *value,
							const char *error);
extern bool term_next_uint64(TermReader *reader, uint64_t *value,
							 const char *error);

/* An error of the caller's own, at the latest token; returns false. */
extern bool term_fail(TermReader *reader, const char *error);

/* Is it this atom?  "name" is ASCII. */
extern bool term_is_atom(const Term *term, const char *name);

#endif
