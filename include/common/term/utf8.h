/*
 * utf8.h
 *		UTF-8 as Erlang understands it: no overlong forms, no surrogates,
 *		nothing above U+10FFFF.
 */
#ifndef ETF_UTF8_H
#define ETF_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest form of one character. */
#define UTF8_MAX 4

/*
 * Read the character at the start of "bytes"; returns how many bytes it
 * takes, or 0 if there is none that is valid.
 */
extern size_t utf8_decode(const uint8_t *bytes, size_t len, uint32_t *code);

/* Write a character that utf8_decode may return; returns its length. */
extern size_t utf8_encode(uint32_t code, char bytes[UTF8_MAX]);

/* Is all of it valid?  "characters" may be NULL. */
extern bool utf8_check(const uint8_t *bytes, size_t len, size_t *characters);

#endif
