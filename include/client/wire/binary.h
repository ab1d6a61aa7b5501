/*
 * binary.h
 *		Readers of what typsend makes: numbers are big endian.
 *
 * What is taken behind the end is 0, and fails.
 */
#ifndef ETF_WIRE_BINARY_H
#define ETF_WIRE_BINARY_H

#include "client/wire/reader.h"

/* NULL, if there are not as many. */
static inline const char *
binary_bytes(WireReader *in, size_t len)
{
	const char *bytes = in->pos;

	if (term_unlikely(len > wire_left(in)))
	{
		wire_fail(in);
		in->pos = in->end;
		return NULL;
	}
	in->pos += len;
	return bytes;
}

/* "size" is a constant, so that this becomes a load. */
static inline uint64_t
binary_uint(WireReader *in, size_t size)
{
	const char *bytes = binary_bytes(in, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes != NULL && i < size; i++)
		value = value << 8 | (uint8_t) bytes[i];
	return value;
}

static inline int16_t
binary_int16(WireReader *in)
{
	return (int16_t) binary_uint(in, 2);
}

static inline int32_t
binary_int32(WireReader *in)
{
	return (int32_t) binary_uint(in, 4);
}

static inline int64_t
binary_int64(WireReader *in)
{
	return (int64_t) binary_uint(in, 8);
}

static inline double
binary_double(WireReader *in)
{
	uint64_t bits = binary_uint(in, 8);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline float
binary_float(WireReader *in)
{
	uint32_t bits = (uint32_t) binary_uint(in, 4);
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/*
 * A count of things that take at least "size" bytes each; 0 where there is no
 * room for as many.
 */
extern uint32_t binary_count(WireReader *in, size_t size);

/* A value behind its length, or NULL. */
extern void binary_element(WireReader *in, const WireType *type,
						   int32_t typmod);

/* binary_number.c */
extern void binary_bool(WireReader *in);
extern void binary_int2(WireReader *in);
extern void binary_int4(WireReader *in);
extern void binary_int8(WireReader *in);
extern void binary_uint4(WireReader *in);
extern void binary_uint8(WireReader *in);
extern void binary_float4(WireReader *in);
extern void binary_float8(WireReader *in);
extern void binary_numeric(WireReader *in);
extern void binary_money(WireReader *in);
extern void binary_tid(WireReader *in);

/* binary_time.c */
extern void binary_date(WireReader *in);
extern void binary_time(WireReader *in);
extern void binary_timetz(WireReader *in);
extern void binary_timestamp(WireReader *in);
extern void binary_timestamptz(WireReader *in);
extern void binary_interval(WireReader *in);

/* binary_other.c */
extern void binary_char(WireReader *in);
extern void binary_bytea(WireReader *in);
extern void binary_bits(WireReader *in);
extern void binary_uuid(WireReader *in);
extern void binary_jsonb(WireReader *in);
extern void binary_inet(WireReader *in);
extern void binary_macaddr(WireReader *in);
extern void binary_macaddr8(WireReader *in);

/* binary_geometric.c: see WireReaders */
extern void binary_take_floats(WireReader *in, double *values, uint32_t n);
extern uint32_t binary_count_points(WireReader *in);
extern bool binary_is_closed(WireReader *in);

/* binary_search.c */

/* Up to its terminator, without it. */
extern const char *binary_string(WireReader *in, size_t *len);

/* A word as tsvector and tsquery print it. */
extern void binary_quoted(StrBuf *text, const char *word, size_t len);
extern void binary_tsvector(WireReader *in);

/* binary_tsquery.c */
extern void binary_tsquery(WireReader *in);

/* binary_extension.c */
extern void binary_hstore(WireReader *in);
extern void binary_vector(WireReader *in);
extern void binary_etf(WireReader *in);
extern void binary_by_form(WireReader *in);

/* binary_nested.c */
extern void binary_array(WireReader *in);
extern void binary_composite(WireReader *in);
extern void binary_range(WireReader *in);
extern void binary_multirange(WireReader *in);

#endif
