/*
 * term_token.h
 *		Between term_read.c and term_token.c, the two halves of the reader.
 */
#ifndef ETF_TERM_TOKEN_H
#define ETF_TERM_TOKEN_H

#include "common/term_read.h"

#define TERM_COUNT_ERROR "more elements announced than data left"

/* The next "len" bytes, or NULL and an error when they are not there. */
extern const uint8_t *term_take_bytes(TermReader *reader, size_t len);

/* Read what follows this tag. */
extern bool term_take(TermReader *reader, Term *term, uint8_t tag);

#endif
