/*
 * datum_extension.c
 *		Types of extensions that have a natural term: hstore, vector, and etf,
 *		which is one.
 *
 * type.c finds them by name.  Their headers are not asked for at build time:
 * what is read here is what lies on every disk.  A value that does not look
 * so, such as an hstore of before 9.0, goes out as its text.
 */
#include "postgres.h"

#include "common/term/unique_keys.h"
#include "common/value/number.h"
#include "compat/values.h"
#include "plugin/datum.h"

/* An entry for each key and value says where its text ends. */
#define HSTORE_NEW_VERSION 0x80000000
#define HSTORE_COUNT_MASK 0x0FFFFFFF
#define HSTORE_IS_NULL 0x40000000
#define HSTORE_END_MASK 0x3FFFFFFF

typedef struct Hstore
{
	int32 vl_len_;
	uint32 flags_and_count;
	uint32 entries[FLEXIBLE_ARRAY_MEMBER]; /* key, value, key, value ... */
} Hstore;

typedef struct Vector
{
	int32 vl_len_;
	int16 dimensions;
	int16 unused;
	float x[FLEXIBLE_ARRAY_MEMBER];
} Vector;

static bool hstore_is_sound(const Hstore *hstore);
static void put_hstore(TermOut *out, const Hstore *hstore);
static uint32 put_hstore_text(TermOut *out, const char *texts, uint32 place,
							  uint32 entry);

void
encode_hstore(TermOut *out, const EtfType *type, Datum value)
{
	const Hstore *hstore = (const Hstore *) PG_DETOAST_DATUM(value);

	if (!hstore_is_sound(hstore))
		encode_by_output(out, type, value);
	else
		put_hstore(out, hstore);
}

static void
put_hstore(TermOut *out, const Hstore *hstore)
{
	uint32 count = hstore->flags_and_count & HSTORE_COUNT_MASK;
	const char *texts = (const char *) &hstore->entries[2 * count];
	bool keys_repeat = etf_keys_may_repeat();
	UniqueKeys keys = {NULL, 0, 0};
	size_t map = out->len;
	uint32 place = 0;

	etf_put_map(out, count);
	for (uint32 i = 0; i < count && !out->overflow; i++)
	{
		size_t start = out->len;

		place = put_hstore_text(out, texts, place, hstore->entries[2 * i]);
		if (keys_repeat)
			unique_keys_add(&keys, out, start);
		place = put_hstore_text(out, texts, place, hstore->entries[2 * i + 1]);
	}
	if (keys_repeat)
		unique_keys_close(&keys, out, map, 0);
	out_scratch_free(out, keys.pairs);
}

/* A key or a value that begins at "place"; returns where the next one does. */
static uint32
put_hstore_text(TermOut *out, const char *texts, uint32 place, uint32 entry)
{
	uint32 end = entry & HSTORE_END_MASK;

	if (entry & HSTORE_IS_NULL)
		etf_put_null(out);
	else
		etf_put_text(out, texts + place, end - place);
	return end;
}

/* The present format, and every text inside of the value. */
static bool
hstore_is_sound(const Hstore *hstore)
{
	Size size = VARSIZE(hstore);
	Size head = offsetof(Hstore, entries);
	Size count;
	uint32 start = 0;

	if (size < head || !(hstore->flags_and_count & HSTORE_NEW_VERSION))
		return false;
	count = hstore->flags_and_count & HSTORE_COUNT_MASK;
	head += 2 * count * sizeof(uint32);
	if (size < head)
		return false;
	for (Size i = 0; i < 2 * count; i++)
	{
		uint32 end = hstore->entries[i] & HSTORE_END_MASK;

		if (end < start || end > size - head)
			return false;
		start = end;
	}
	return true;
}

void
encode_vector(TermOut *out, const EtfType *type, Datum value)
{
	const Vector *vector = (const Vector *) PG_DETOAST_DATUM(value);
	int n = vector->dimensions;

	if (n < 0 || VARSIZE(vector) < offsetof(Vector, x) + n * sizeof(float))
	{
		encode_by_output(out, type, value);
		return;
	}
	etf_put_floats(out, vector->x, n);
}

/* A term behind its version byte, checked where it was made. */
void
encode_etf(TermOut *out, const EtfType *type, Datum value)
{
	const bytea *term = PG_DETOAST_DATUM_PACKED(value);
	Size len = VARSIZE_ANY_EXHDR(term);

	if (len < 2 || (uint8) *VARDATA_ANY(term) != TAG_VERSION)
		encode_by_output(out, type, value);
	else
		etf_put_raw(out, VARDATA_ANY(term) + 1, len - 1);
}
