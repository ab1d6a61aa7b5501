/*
 * write.c
 *		Write single terms into a frame, under the limit that write.h describes.
 */
#include "common/term/write.h"

#include <math.h>

/* Larger integers have no tag of their own: the BEAM's writer ends here. */
#define INTEGER_MAX ((1 << 27) - 1)
#define INTEGER_MIN (-(1 << 27))

void
out_overflow(TermOut *out)
{
	out->overflow = true;
	out->len = out->mark;
}

bool
out_grow(TermOut *out, size_t size)
{
	bool fits = !out->in_value || out->len + size <= ETF_FRAME_LIMIT;

	if (!fits)
		out_overflow(out);
	if (fits || size <= OUT_RESERVE_MAX)
		out->host->grow(out, size);
	return fits;
}

/* Make room for any number of bytes, unless they would pass the limit. */
static inline bool
make_room(TermOut *out, size_t size)
{
	return size <= out->size - out->len || out_grow(out, size);
}

/* As the compiler makes a single store of it. */
static inline void
store_lowest_first(char *p, uint64_t value)
{
	p[0] = (char) value;
	p[1] = (char) (value >> 8);
	p[2] = (char) (value >> 16);
	p[3] = (char) (value >> 24);
	p[4] = (char) (value >> 32);
	p[5] = (char) (value >> 40);
	p[6] = (char) (value >> 48);
	p[7] = (char) (value >> 56);
}

/* Tag, count of bytes, sign, and the bytes from the lowest on. */
static void
put_big(TermOut *out, bool negative, uint64_t magnitude)
{
	char *p = out_reserve(out, ETF_INTEGER_SIZE);
	unsigned bytes = 8 - (unsigned) __builtin_clzll(magnitude) / 8;

	p[0] = TAG_SMALL_BIG;
	p[1] = (char) bytes;
	p[2] = negative;
	store_lowest_first(p + 3, magnitude);
	out->len += 3 + bytes;
}

static inline void
put_small_integer(TermOut *out, uint8_t value)
{
	char *p = out_reserve(out, 2);

	p[0] = TAG_SMALL_INTEGER;
	p[1] = (char) value;
	out->len += 2;
}

/* A tag and 4 bytes.  There must be room. */
static inline void
append_header(TermOut *out, char tag, uint32_t count)
{
	char *p = out->data + out->len;

	p[0] = tag;
	store_uint32(p + 1, count);
	out->len += ETF_HEADER_SIZE;
}

static inline void
put_header(TermOut *out, char tag, uint32_t count)
{
	out_reserve(out, ETF_HEADER_SIZE);
	append_header(out, tag, count);
}

void
etf_put_version(TermOut *out)
{
	*out_reserve(out, 1) = (char) TAG_VERSION;
	out->len++;
}

void
etf_put_int(TermOut *out, int64_t value)
{
	if (value >= 0 && value <= UINT8_MAX)
		put_small_integer(out, (uint8_t) value);
	else if (value >= INTEGER_MIN && value <= INTEGER_MAX)
		put_header(out, TAG_INTEGER, (uint32_t) value);
	else
		put_big(out, value < 0,
				value < 0 ? -(uint64_t) value : (uint64_t) value);
}

void
etf_put_uint(TermOut *out, uint64_t value)
{
	if (value <= INT64_MAX)
		etf_put_int(out, (int64_t) value);
	else
		put_big(out, false, value);
}

void
etf_put_bool(TermOut *out, bool value)
{
	if (value)
		etf_put_atom(out, "true");
	else
		etf_put_atom(out, "false");
}

static void
put_not_finite(TermOut *out, double value)
{
	bool erlang = out->forms->dialect == DIALECT_ERLANG;

	if (isnan(value))
		etf_put_atom_len(out, erlang ? "nan" : "NaN", 3);
	else
		etf_put_infinity(out, value < 0);
}

void
etf_put_infinity(TermOut *out, bool negative)
{
	const char *name;

	if (out->forms->dialect == DIALECT_ERLANG)
		name = negative ? "-infinity" : "infinity";
	else
		name = negative ? "-inf" : "inf";
	etf_put_atom_len(out, name, strlen(name));
}

void
etf_put_float(TermOut *out, double value)
{
	uint64_t bits;
	char *p;

	if (term_unlikely(!isfinite(value)))
	{
		put_not_finite(out, value);
		return;
	}
	memcpy(&bits, &value, sizeof(bits));
	p = out_reserve(out, ETF_FLOAT_SIZE);
	p[0] = TAG_NEW_FLOAT;
	store_uint32(p + 1, (uint32_t) (bits >> 32));
	store_uint32(p + 5, (uint32_t) bits);
	out->len += ETF_FLOAT_SIZE;
}

/* There must be room. */
static inline void
append(TermOut *out, const char *bytes, size_t len)
{
	memcpy(out->data + out->len, bytes, len);
	out->len += len;
}

void
etf_put_raw(TermOut *out, const char *bytes, size_t len)
{
	if (make_room(out, len))
		append(out, bytes, len);
}

void
etf_put_binary(TermOut *out, const char *bytes, size_t len)
{
	if (!make_room(out, ETF_HEADER_SIZE + len))
		return;
	append_header(out, TAG_BINARY, (uint32_t) len);
	append(out, bytes, len);
}

void
etf_put_tuple(TermOut *out, uint32_t arity)
{
	char *p;

	if (arity > UINT8_MAX)
	{
		put_header(out, TAG_LARGE_TUPLE, arity);
		return;
	}
	p = out_reserve(out, 2);
	p[0] = TAG_SMALL_TUPLE;
	p[1] = (char) arity;
	out->len += 2;
}

void
etf_put_map(TermOut *out, uint32_t pairs)
{
	put_header(out, TAG_MAP, pairs);
}

/* An empty list is its end alone. */
void
etf_put_list(TermOut *out, uint32_t length)
{
	if (length > 0)
		put_header(out, TAG_LIST, length);
}

void
etf_put_list_end(TermOut *out)
{
	*out_reserve(out, 1) = TAG_NIL;
	out->len++;
}

void
etf_put_oversized(TermOut *out, uint64_t bytes)
{
	etf_put_tuple(out, 2);
	etf_put_atom(out, "oversized");
	etf_put_uint(out, bytes);
}

void
out_patch_uint32(TermOut *out, size_t offset, uint32_t value)
{
	/*
	 * The byte at the offset has been removed; it may have been the buffer's
	 * last.
	 */
	if (!out->overflow)
		store_uint32(out->data + offset, value);
}

void *
out_scratch_array(TermOut *out, void *array, size_t *allocated, size_t element)
{
	*allocated = *allocated == 0 ? 16 : *allocated * 2;
	return out->host->scratch(array, *allocated * element);
}
