/*
 * texts.h
 *		A few texts of a server: the columns of a key, or its values.
 *
 * A list that is all zeros is empty.  The texts are copies.
 */
#ifndef ETF_TEXTS_H
#define ETF_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/base/strbuf.h"

/* As many columns as a key can have: the server's INDEX_MAX_KEYS. */
#define TEXTS_MAX 32

typedef struct Texts
{
	char **items;
	uint32_t count;
} Texts;

/* False: out of memory, or too many. */
extern bool texts_add(Texts *texts, const char *bytes, size_t len);

/* An array of text as the server prints it: "{a,\"b c\"}". */
extern bool texts_parse(Texts *texts, const char *array);

/* Replaces what is there.  False: out of memory. */
extern bool texts_copy(Texts *texts, const Texts *from);

extern bool texts_equal(const Texts *one, const Texts *other);

/* ARRAY['a', 'b c']::text[]; of an empty list NULL. */
extern void texts_put(const Texts *texts, StrBuf *sql);

/* Leaves an empty list. */
extern void texts_free(Texts *texts);

#endif
