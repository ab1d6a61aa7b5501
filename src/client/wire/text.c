/*
 * text.c
 *		Who reads which kind from its text, and what the readers share.
 */
#include "client/wire/text.h"

const WireRead wire_text_readers[KIND_COUNT] = {
	[KIND_NONE] = wire_rest_none,
	[KIND_BOOL] = text_bool,
	[KIND_INT2] = text_int,
	[KIND_INT4] = text_int,
	[KIND_INT8] = text_int,
	[KIND_UINT4] = text_uint4,
	[KIND_UINT8] = text_uint8,
	[KIND_FLOAT4] = text_float4,
	[KIND_FLOAT8] = text_float8,
	[KIND_NUMERIC] = text_numeric,
	[KIND_MONEY] = text_money,
	[KIND_TID] = text_tid,
	[KIND_TEXT] = wire_rest_text,
	[KIND_CHAR] = text_char,
	[KIND_NAME] = wire_rest_text,
	[KIND_BYTEA] = text_bytea,
	[KIND_BITS] = text_bits,
	[KIND_UUID] = text_uuid,
	[KIND_DATE] = text_date,
	[KIND_TIME] = text_time,
	[KIND_TIMETZ] = text_timetz,
	[KIND_TIMESTAMP] = text_timestamp,
	[KIND_TIMESTAMPTZ] = text_timestamptz,
	[KIND_INTERVAL] = text_interval,
	[KIND_JSON] = wire_rest_json,
	[KIND_JSONB] = wire_rest_json,
	[KIND_TSVECTOR] = text_tsvector,
	[KIND_INET] = text_inet,
	[KIND_MACADDR] = text_macaddr,
	[KIND_MACADDR8] = text_macaddr8,
	[KIND_POINT] = text_point,
	[KIND_LINE] = text_line,
	[KIND_LSEG] = text_lseg,
	[KIND_BOX] = text_box,
	[KIND_PATH] = text_path,
	[KIND_POLYGON] = text_polygon,
	[KIND_CIRCLE] = text_circle,
	[KIND_RECORD] = wire_rest_unknown,
	[KIND_HSTORE] = text_hstore,
	[KIND_VECTOR] = text_vector,
	[KIND_ETF] = wire_rest_unknown,
	[KIND_ARRAY] = text_array,
	[KIND_COMPOSITE] = text_composite,
	[KIND_ENUM] = wire_rest_text,
	[KIND_RANGE] = text_range,
	[KIND_MULTIRANGE] = text_multirange,
	[KIND_OTHER] = wire_rest_text,
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
