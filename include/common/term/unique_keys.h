/*
 * unique_keys.h
 *		Maps whose keys may repeat.
 *
 * binary_to_term refuses a whole frame over a map with a repeated key, and
 * json may have one; jsonb and hstore as well, in encodings such as EUC_JP
 * where two characters become the same one of UTF-8.  Whoever writes such a
 * map notes its keys here, and at its end all but the last pair with the same
 * key are taken out.
 *
 *		size_t map = out->len;
 *		size_t first = keys.count;
 *
 *		etf_put_map(out, 0);
 *		for each pair
 *			write the key, unique_keys_add(&keys, out, start of the key);
 *			write the value
 *		unique_keys_close(&keys, out, map, first);
 *
 * Maps inside of the value use the same UniqueKeys.  It begins zeroed; pairs is
 * scratch memory of the host, for the caller to free.
 */
#ifndef ETF_UNIQUE_KEYS_H
#define ETF_UNIQUE_KEYS_H

#include "common/term/write.h"

/* Offsets are those of the buffer.  A pair ends where the next one begins. */
typedef struct KeyedPair
{
	size_t start;
	size_t key_len;
	bool dropped;
} KeyedPair;

typedef struct UniqueKeys
{
	KeyedPair *pairs;
	size_t count;
	size_t allocated;
} UniqueKeys;

/* A value with more than some millions of pairs in open maps does not fit. */
extern void unique_keys_add(UniqueKeys *keys, TermOut *out, size_t start);

/* Patches the map's header, too, and forgets its pairs. */
extern void unique_keys_close(UniqueKeys *keys, TermOut *out, size_t map,
							  size_t first);

#endif
