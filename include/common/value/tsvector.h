/*
 * tsvector.h
 *		Lexemes with their positions and weights: all but the words.
 */
#ifndef ETF_TSVECTOR_H
#define ETF_TSVECTOR_H

#include "common/term/write.h"

/* The word follows, a text, ... */
extern void etf_put_lexeme(TermOut *out);

/* ... then its positions: each below 2 ^ 14, its weight in the upper bits. */
extern void etf_put_lexeme_positions(TermOut *out, const uint16_t *positions,
									 uint32_t n);

#endif
