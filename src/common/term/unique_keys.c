/*
 * unique_keys.c
 *		Take repeated keys out of a map.
 *
 * Keys are compared as they were written, so after conversion to UTF-8.
 */
#include "common/term/unique_keys.h"

/* A document with more takes too much memory beside itself. */
#define MAX_PAIRS ((size_t) 16 * 1024 * 1024)

typedef int (*Compare)(const KeyedPair *a, const KeyedPair *b,
					   const char *data);

static int
compare_keys(const KeyedPair *a, const KeyedPair *b, const char *data)
{
	if (a->key_len != b->key_len)
		return a->key_len < b->key_len ? -1 : 1;
	return memcmp(data + a->start, data + b->start, a->key_len);
}

static int
compare_places(const KeyedPair *a, const KeyedPair *b, const char *data)
{
	(void) data;
	return (a->start > b->start) - (a->start < b->start);
}

static int
compare_pairs(const KeyedPair *a, const KeyedPair *b, const char *data)
{
	int order = compare_keys(a, b, data);

	return order != 0 ? order : compare_places(a, b, data);
}

/*
 * Shell's sort: in place, without recursion, and quick where there is little
 * to do.  With Sedgewick's gaps no input takes more than n ^ 4/3 steps.
 */
static void
sort(const TermOut *out, KeyedPair *pairs, size_t n, Compare compare)
{
	static const uint32_t gaps[] = {
		4197377, 1050113, 262913, 65921, 16577, 4193, 1073, 281, 77, 23, 8, 1};

	for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
		for (size_t gap = gaps[g], i = gap; i < n; i++)
		{
			KeyedPair pair = pairs[i];
			size_t place = i;

			out->host->tick();
			for (; place >= gap &&
				   compare(&pairs[place - gap], &pair, out->data) > 0;
				 place -= gap)
				pairs[place] = pairs[place - gap];
			pairs[place] = pair;
		}
}

/* Leaves the pairs in another order. */
static bool
mark_repeated(const TermOut *out, KeyedPair *pairs, size_t n)
{
	bool found = false;

	sort(out, pairs, n, compare_pairs);
	for (size_t i = 0; i + 1 < n; i++)
	{
		pairs[i].dropped =
			compare_keys(&pairs[i], &pairs[i + 1], out->data) == 0;
		found |= pairs[i].dropped;
	}
	return found;
}

/* Returns how many pairs are left. */
static uint32_t
drop_repeated(TermOut *out, KeyedPair *pairs, size_t n)
{
	size_t kept = 0;
	size_t end;

	if (!mark_repeated(out, pairs, n))
		return (uint32_t) n;

	sort(out, pairs, n, compare_places);
	end = pairs[0].start;
	for (size_t i = 0; i < n; i++)
	{
		size_t start = pairs[i].start;
		size_t len = (i + 1 < n ? pairs[i + 1].start : out->len) - start;

		if (pairs[i].dropped)
			continue;
		memmove(out->data + end, out->data + start, len);
		end += len;
		kept++;
	}
	out->len = end;
	return (uint32_t) kept;
}

void
unique_keys_add(UniqueKeys *keys, TermOut *out, size_t start)
{
	KeyedPair *pair;

	if (term_unlikely(keys->count == MAX_PAIRS))
	{
		out_overflow(out);
		return;
	}
	if (keys->count == keys->allocated)
		keys->pairs = out_scratch_array(out, keys->pairs, &keys->allocated,
										sizeof(KeyedPair));
	pair = &keys->pairs[keys->count++];
	pair->start = start;
	pair->key_len = out->len - start;
	pair->dropped = false;
}

void
unique_keys_close(UniqueKeys *keys, TermOut *out, size_t map, size_t first)
{
	size_t n = keys->count - first;

	/* After an overflow what was noted is no longer there. */
	if (out->overflow)
		return;
	out_patch_uint32(out, map + 1,
					 n > 1 ? drop_repeated(out, keys->pairs + first, n)
						   : (uint32_t) n);
	keys->count = first;
}
