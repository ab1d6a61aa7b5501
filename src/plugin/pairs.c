/*
 * pairs.c
 *		Take repeated keys out of a map.
 *
 * Keys are compared as they were written, so after conversion to UTF-8.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "plugin/pairs.h"

/* A document with more takes too much memory beside itself. */
#define MAX_PAIRS (16 * 1024 * 1024)

static int drop_repeated(StringInfo buf, EtfPair *pairs, int n);
static bool mark_repeated(const StringInfoData *buf, EtfPair *pairs, int n);
static int compare_keys(const EtfPair *a, const EtfPair *b, const char *data);
static int compare_pairs(const void *a, const void *b, void *data);
static int compare_places(const void *a, const void *b);

/* Among single-byte encodings there is none that knows a character twice. */
bool
pairs_may_repeat(void)
{
	return GetDatabaseEncoding() != PG_UTF8 &&
		   pg_database_encoding_max_length() > 1;
}

void
pairs_add(EtfPairs *pairs, EtfOut *out, int start)
{
	EtfPair *pair;

	if (unlikely(pairs->count == MAX_PAIRS))
	{
		out_overflow(out);
		return;
	}
	if (pairs->count == pairs->allocated)
		pairs->items =
			grow_array(pairs->items, &pairs->allocated, sizeof(EtfPair));
	pair = &pairs->items[pairs->count++];
	pair->start = start;
	pair->key_len = out->buf->len - start;
	pair->dropped = false;
}

void
pairs_close(EtfPairs *pairs, EtfOut *out, int map, int first)
{
	int n = pairs->count - first;

	/* After an overflow what was noted is no longer there. */
	if (out->overflow)
		return;
	if (n > 1)
		n = drop_repeated(out->buf, pairs->items + first, n);
	out_patch_uint32(out, map + 1, n);
	pairs->count = first;
}

/* Returns how many pairs are left. */
static int
drop_repeated(StringInfo buf, EtfPair *pairs, int n)
{
	int kept = 0;
	int end;

	if (!mark_repeated(buf, pairs, n))
		return n;

	qsort(pairs, n, sizeof(EtfPair), compare_places);
	end = pairs[0].start;
	for (int i = 0; i < n; i++)
	{
		int start = pairs[i].start;
		int len = (i + 1 < n ? pairs[i + 1].start : buf->len) - start;

		if (pairs[i].dropped)
			continue;
		memmove(buf->data + end, buf->data + start, len);
		end += len;
		kept++;
	}
	buf->len = end;
	return kept;
}

/* Leaves the pairs in another order. */
static bool
mark_repeated(const StringInfoData *buf, EtfPair *pairs, int n)
{
	bool found = false;

	qsort_arg(pairs, n, sizeof(EtfPair), compare_pairs, buf->data);
	for (int i = 0; i + 1 < n; i++)
	{
		pairs[i].dropped =
			compare_keys(&pairs[i], &pairs[i + 1], buf->data) == 0;
		found |= pairs[i].dropped;
	}
	return found;
}

static int
compare_keys(const EtfPair *a, const EtfPair *b, const char *data)
{
	if (a->key_len != b->key_len)
		return a->key_len < b->key_len ? -1 : 1;
	return memcmp(data + a->start, data + b->start, a->key_len);
}

static int
compare_pairs(const void *a, const void *b, void *data)
{
	int order = compare_keys(a, b, data);

	CHECK_FOR_INTERRUPTS();
	return order != 0 ? order : compare_places(a, b);
}

static int
compare_places(const void *a, const void *b)
{
	int place_a = ((const EtfPair *) a)->start;
	int place_b = ((const EtfPair *) b)->start;

	return (place_a > place_b) - (place_a < place_b);
}

void *
grow_array(void *array, int *allocated, Size element)
{
	Size count = *allocated == 0 ? 16 : (Size) *allocated * 2;

	*allocated = count;
	if (array == NULL)
		return palloc(count * element);
	return repalloc_huge(array, count * element);
}
