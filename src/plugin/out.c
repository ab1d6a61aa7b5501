/*
 * out.c
 *		Write single terms into a frame.
 *
 * Headers and numbers are libei's; what can be longer than its scratch space
 * is copied here, under the limit that out.h describes.  The buffer belongs
 * to the caller.
 */
#include "postgres.h"

#include <math.h>

#include "ei.h"
#include "port/pg_bswap.h"

#include "plugin/encoding.h"
#include "plugin/out.h"

void
out_overflow(EtfOut *out)
{
	out->overflow = true;
	out->buf->len = out->mark;
}

void
out_grow(EtfOut *out, Size size)
{
	if (out->mark >= 0 && (Size) out->buf->len + size > ETF_FRAME_LIMIT)
		out_overflow(out);
	enlargeStringInfo(out->buf, size);
}

void
etf_put_int(EtfOut *out, int64 value)
{
	out_reserve(out, ETF_INTEGER_SIZE);
	ei_encode_longlong(out->buf->data, &out->buf->len, value);
}

void
etf_put_uint(EtfOut *out, uint64 value)
{
	out_reserve(out, ETF_INTEGER_SIZE);
	ei_encode_ulonglong(out->buf->data, &out->buf->len, value);
}

void
etf_put_bool(EtfOut *out, bool value)
{
	if (value)
		etf_put_atom(out, "true");
	else
		etf_put_atom(out, "false");
}

static void
put_not_finite(EtfOut *out, double value)
{
	bool erlang = out->options->dialect == DIALECT_ERLANG;

	if (isnan(value))
		etf_put_atom_len(out, erlang ? "nan" : "NaN", 3);
	else
		etf_put_infinity(out, value < 0);
}

void
etf_put_infinity(EtfOut *out, bool negative)
{
	const char *name;

	if (out->options->dialect == DIALECT_ERLANG)
		name = negative ? "-infinity" : "infinity";
	else
		name = negative ? "-inf" : "inf";
	etf_put_atom_len(out, name, strlen(name));
}

void
etf_put_float(EtfOut *out, double value)
{
	if (unlikely(!isfinite(value)))
	{
		put_not_finite(out, value);
		return;
	}
	out_reserve(out, ETF_FLOAT_SIZE);
	ei_encode_double(out->buf->data, &out->buf->len, value);
}

/* Make room for any number of bytes, unless they would pass the limit. */
static inline bool
make_room(EtfOut *out, Size size)
{
	StringInfo buf = out->buf;

	if (likely(size < (Size) (buf->maxlen - buf->len)))
		return true;
	if (out->mark >= 0 && (Size) buf->len + size > ETF_FRAME_LIMIT)
	{
		out_overflow(out);
		return false;
	}
	enlargeStringInfo(buf, size);
	return true;
}

/* There must be room. */
static inline void
append(StringInfo buf, const char *bytes, Size len)
{
	memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
}

/* A tag and a count of 4 bytes.  There must be room. */
static inline void
append_header(StringInfo buf, char tag, uint32 count)
{
	char *p = buf->data + buf->len;

	count = pg_hton32(count);
	p[0] = tag;
	memcpy(p + 1, &count, sizeof(count));
	buf->len += ETF_HEADER_SIZE;
}

void
etf_put_raw(EtfOut *out, const char *bytes, Size len)
{
	if (make_room(out, len))
		append(out->buf, bytes, len);
}

static inline void
put_header(EtfOut *out, char tag, uint32 count)
{
	out_reserve(out, ETF_HEADER_SIZE);
	append_header(out->buf, tag, count);
}

void
etf_put_binary(EtfOut *out, const char *bytes, Size len)
{
	if (!make_room(out, ETF_HEADER_SIZE + len))
		return;
	append_header(out->buf, ERL_BINARY_EXT, len);
	append(out->buf, bytes, len);
}

static void
put_converted(EtfOut *out, const char *text, Size len)
{
	Size utf8_len = len;
	const char *utf8 = etf_to_utf8(text, &utf8_len);

	if (likely(utf8 != NULL))
	{
		etf_put_binary(out, utf8, utf8_len);
		if (utf8 != text) /* a jsonb may have millions of them */
			pfree((char *) utf8);
		return;
	}
	etf_put_tuple(out, 2);
	etf_put_atom(out, "unconverted");
	etf_put_binary(out, text, len);
}

void
etf_put_text(EtfOut *out, const char *text, Size len)
{
	if (likely(etf_text_is_utf8()))
		etf_put_binary(out, text, len);
	else
		put_converted(out, text, len);
}

void
etf_put_tuple(EtfOut *out, int arity)
{
	out_reserve(out, ETF_HEADER_SIZE);
	ei_encode_tuple_header(out->buf->data, &out->buf->len, arity);
}

void
etf_put_map(EtfOut *out, int pairs)
{
	put_header(out, ERL_MAP_EXT, pairs);
}

/* An empty list is its end alone. */
void
etf_put_list(EtfOut *out, int length)
{
	if (length > 0)
		put_header(out, ERL_LIST_EXT, length);
}

void
etf_put_list_end(EtfOut *out)
{
	*out_reserve(out, 1) = ERL_NIL_EXT;
	out->buf->len++;
}

void
etf_put_oversized(EtfOut *out, Size bytes)
{
	etf_put_tuple(out, 2);
	etf_put_atom(out, "oversized");
	etf_put_uint(out, bytes);
}

void
out_patch_uint32(EtfOut *out, int offset, uint32 value)
{
	/* What was at the offset is gone, which may be the buffer's last byte. */
	if (out->overflow)
		return;
	value = pg_hton32(value);
	memcpy(out->buf->data + offset, &value, sizeof(value));
}
