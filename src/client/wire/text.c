/*
 * text.c
 *		Who reads which kind from its text, and what the readers share.
 */
#include "client/wire/text.h"

const WireReaders wire_text_readers = {
	.read[KIND_NONE] = wire_rest_none,
	.read[KIND_BOOL] = text_bool,
	.read[KIND_INT2] = text_int,
	.read[KIND_INT4] = text_int,
	.read[KIND_INT8] = text_int,
	.read[KIND_UINT4] = text_uint4,
	.read[KIND_UINT8] = text_uint8,
	.read[KIND_FLOAT4] = text_float4,
	.read[KIND_FLOAT8] = text_float8,
	.read[KIND_NUMERIC] = text_numeric,
	.read[KIND_MONEY] = text_money,
	.read[KIND_TID] = text_tid,
	.read[KIND_TEXT] = wire_rest_text,
	.read[KIND_CHAR] = text_char,
	.read[KIND_NAME] = wire_rest_text,
	.read[KIND_BYTEA] = text_bytea,
	.read[KIND_BITS] = text_bits,
	.read[KIND_UUID] = text_uuid,
	.read[KIND_DATE] = text_date,
	.read[KIND_TIME] = text_time,
	.read[KIND_TIMETZ] = text_timetz,
	.read[KIND_TIMESTAMP] = text_timestamp,
	.read[KIND_TIMESTAMPTZ] = text_timestamptz,
	.read[KIND_INTERVAL] = text_interval,
	.read[KIND_JSON] = wire_rest_json,
	.read[KIND_JSONB] = wire_rest_json,
	.read[KIND_TSVECTOR] = text_tsvector,
	.read[KIND_INET] = text_inet,
	.read[KIND_MACADDR] = text_macaddr,
	.read[KIND_MACADDR8] = text_macaddr8,
	.read[KIND_POINT] = wire_point,
	.read[KIND_LINE] = wire_line,
	.read[KIND_LSEG] = wire_lseg,
	.read[KIND_BOX] = wire_box,
	.read[KIND_PATH] = wire_path,
	.read[KIND_POLYGON] = wire_polygon,
	.read[KIND_CIRCLE] = wire_circle,
	.read[KIND_RECORD] = wire_rest_unknown,
	.read[KIND_HSTORE] = text_hstore,
	.read[KIND_VECTOR] = text_vector,
	.read[KIND_ETF] = wire_rest_unknown,
	.read[KIND_ARRAY] = text_array,
	.read[KIND_COMPOSITE] = text_composite,
	.read[KIND_ENUM] = wire_rest_text,
	.read[KIND_RANGE] = text_range,
	.read[KIND_MULTIRANGE] = text_multirange,
	.read[KIND_OTHER] = wire_rest_text,
	.take_floats = text_take_floats,
	.count_points = text_count_points,
	.is_closed = text_is_closed,
};

bool
text_skip_word(WireReader *in, const char *word)
{
	size_t len = strlen(word);
	bool found = wire_left(in) >= len && memcmp(in->pos, word, len) == 0;

	if (found)
		in->pos += len;
	return found;
}

uint64_t
text_uint(WireReader *in, uint64_t max)
{
	const char *start = in->pos;
	uint64_t value = 0;
	bool fits = true;

	for (; in->pos < in->end && *in->pos >= '0' && *in->pos <= '9'; in->pos++)
		fits &= !__builtin_mul_overflow(value, 10, &value) &&
				!__builtin_add_overflow(value, *in->pos - '0', &value);
	if (in->pos != start && fits && value <= max)
		return value;
	wire_fail(in);
	return 0;
}

int
text_digit(WireReader *in)
{
	int c = text_peek(in);

	in->pos += c >= 0;
	if (c >= '0' && c <= '9')
		return c - '0';
	wire_fail(in);
	return 0;
}

uint32_t
text_commas(const WireReader *in)
{
	uint32_t count = 0;

	for (const char *p = in->pos; p < in->end; p++)
		count += *p == ',';
	return count;
}

uint8_t
text_hex(WireReader *in)
{
	int c = text_peek(in);

	in->pos += c >= 0;
	if (c >= '0' && c <= '9')
		return (uint8_t) (c - '0');
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (uint8_t) ((c | 0x20) - 'a' + 10);
	wire_fail(in);
	return 0;
}
