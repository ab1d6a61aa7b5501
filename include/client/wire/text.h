/*
 * text.h
 *		Readers of what output functions print.
 */
#ifndef ETF_WIRE_TEXT_H
#define ETF_WIRE_TEXT_H

#include "client/wire/reader.h"

/* The next character, or -1. */
static inline int
text_peek(const WireReader *in)
{
	return in->pos < in->end ? (unsigned char) *in->pos : -1;
}

/* Pass over this character if it comes next. */
static inline bool
text_skip(WireReader *in, char c)
{
	bool found = in->pos < in->end && *in->pos == c;

	in->pos += found;
	return found;
}

/* It has to come next. */
static inline void
text_expect(WireReader *in, char c)
{
	if (!text_skip(in, c))
		wire_fail(in);
}

/* text.c: pass over this word if it comes next. */
extern bool text_skip_word(WireReader *in, const char *word);

/* Digits, up to this value; 0 and an error where there are none. */
extern uint64_t text_uint(WireReader *in, uint64_t max);

/* A digit that comes next, passed over; 0 and an error for anything else. */
extern int text_digit(WireReader *in);

/* The same for a hexadecimal one. */
extern uint8_t text_hex(WireReader *in);

/* Commas in all that is left. */
extern uint32_t text_commas(const WireReader *in);

/* text_number.c: a float, NaN or Infinity, also as what a float4 reads */
extern double text_double(WireReader *in);
extern float text_float(WireReader *in);

/*
 * text_item.c: an element, field or bound: in quotes, or up to one of "stops".
 * "bytes" is a part of the value, or a copy in scratch memory.
 */
typedef struct TextItem
{
	const char *bytes;
	size_t len;
	bool quoted;
	char *copy;
} TextItem;

extern TextItem text_item(WireReader *in, const char *stops);
extern void text_free_item(WireReader *in, TextItem *item);

/* It is a value of this type; frees it. */
extern void text_read_item(WireReader *in, const WireType *type, int32_t typmod,
						   TextItem *item);

/* text_number.c */
extern void text_bool(WireReader *in);
extern void text_int(WireReader *in);
extern void text_uint4(WireReader *in);
extern void text_uint8(WireReader *in);
extern void text_float4(WireReader *in);
extern void text_float8(WireReader *in);
extern void text_numeric(WireReader *in);
extern void text_money(WireReader *in);
extern void text_tid(WireReader *in);

/* text_time.c, text_interval.c */
extern uint64_t text_clock(WireReader *in, uint64_t max_hours);
extern void text_date(WireReader *in);
extern void text_time(WireReader *in);
extern void text_timetz(WireReader *in);
extern void text_timestamp(WireReader *in);
extern void text_timestamptz(WireReader *in);
extern void text_interval(WireReader *in);

/* text_other.c */
extern void text_char(WireReader *in);
extern void text_bytea(WireReader *in);
extern void text_bits(WireReader *in);
extern void text_uuid(WireReader *in);
extern void text_inet(WireReader *in);
extern void text_macaddr(WireReader *in);
extern void text_macaddr8(WireReader *in);

/* text_geometric.c: see WireReaders */
extern void text_take_floats(WireReader *in, double *values, uint32_t n);
extern uint32_t text_count_points(WireReader *in);
extern bool text_is_closed(WireReader *in);

/* text_extension.c: and tsvector */
extern void text_tsvector(WireReader *in);
extern void text_hstore(WireReader *in);
extern void text_vector(WireReader *in);

/* text_array.c, text_composite.c, text_range.c */
extern void text_array(WireReader *in);
extern void text_composite(WireReader *in);
extern void text_range(WireReader *in);
extern void text_multirange(WireReader *in);

#endif
