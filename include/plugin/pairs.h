/*
 * pairs.h
 *		Maps whose keys may repeat.
 *
 * binary_to_term refuses a whole frame over a map with a repeated key, and
 * json may have one; jsonb and hstore as well, in encodings such as EUC_JP
 * where two characters become the same one of UTF-8.  Whoever writes such a
 * map notes its keys here, and at its end all but the last pair with the same
 * key are taken out.
 *
 *		int map = out->buf->len;
 *		int first = pairs.count;
 *
 *		etf_put_map(out, 0);
 *		for each pair
 *			write the key, pairs_add(&pairs, out, start of the key);
 *			write the value
 *		pairs_close(&pairs, out, map, first);
 *
 * Maps inside of the value use the same EtfPairs.  It begins zeroed; items is
 * allocated in the current memory context.
 */
#ifndef ETF_PAIRS_H
#define ETF_PAIRS_H

#include "plugin/out.h"

/* Offsets are those of the buffer.  A pair ends where the next one begins. */
typedef struct EtfPair
{
	int start;
	int key_len;
	bool dropped;
} EtfPair;

typedef struct EtfPairs
{
	EtfPair *items;
	int count;
	int allocated;
} EtfPairs;

/* Whether different texts of the server encoding may be the same in UTF-8. */
extern bool pairs_may_repeat(void);

/* A value with more than some millions of pairs in open maps does not fit. */
extern void pairs_add(EtfPairs *pairs, EtfOut *out, int start);

/* Patches the map's header, too, and forgets its pairs. */
extern void pairs_close(EtfPairs *pairs, EtfOut *out, int map, int first);

/* An array twice as large, or a first one; it may exceed 1 GB. */
extern void *grow_array(void *array, int *allocated, Size element);

#endif
