/*
 * binary.c
 *		Who reads which kind from what typsend makes of it.
 */
#include "client/wire/binary.h"

const WireRead wire_binary_readers[KIND_COUNT] = {
	[KIND_NONE] = wire_rest_none,
	[KIND_BOOL] = binary_bool,
	[KIND_INT2] = binary_int2,
	[KIND_INT4] = binary_int4,
	[KIND_INT8] = binary_int8,
	[KIND_UINT4] = binary_uint4,
	[KIND_UINT8] = binary_uint8,
	[KIND_FLOAT4] = binary_float4,
	[KIND_FLOAT8] = binary_float8,
	[KIND_NUMERIC] = binary_numeric,
	[KIND_MONEY] = binary_money,
	[KIND_TID] = binary_tid,
	[KIND_TEXT] = wire_rest_text,
	[KIND_CHAR] = binary_char,
	[KIND_NAME] = wire_rest_text,
	[KIND_BYTEA] = binary_bytea,
	[KIND_BITS] = binary_bits,
	[KIND_UUID] = binary_uuid,
	[KIND_DATE] = binary_date,
	[KIND_TIME] = binary_time,
	[KIND_TIMETZ] = binary_timetz,
	[KIND_TIMESTAMP] = binary_timestamp,
	[KIND_TIMESTAMPTZ] = binary_timestamptz,
	[KIND_INTERVAL] = binary_interval,
	[KIND_JSON] = wire_rest_json,
	[KIND_JSONB] = binary_jsonb,
	[KIND_TSVECTOR] = binary_tsvector,
	[KIND_INET] = binary_inet,
	[KIND_MACADDR] = binary_macaddr,
	[KIND_MACADDR8] = binary_macaddr8,
	[KIND_POINT] = binary_point,
	[KIND_LINE] = binary_line,
	[KIND_LSEG] = binary_lseg,
	[KIND_BOX] = binary_box,
	[KIND_PATH] = binary_path,
	[KIND_POLYGON] = binary_polygon,
	[KIND_CIRCLE] = binary_circle,
	[KIND_RECORD] = wire_rest_unknown,
	[KIND_HSTORE] = binary_hstore,
	[KIND_VECTOR] = binary_vector,
	[KIND_ETF] = binary_etf,
	[KIND_ARRAY] = binary_array,
	[KIND_COMPOSITE] = binary_composite,
	[KIND_ENUM] = wire_rest_text,
	[KIND_RANGE] = binary_range,
	[KIND_MULTIRANGE] = binary_multirange,
	[KIND_OTHER] = binary_by_form,
};

uint32_t
binary_count(WireReader *in, size_t size)
{
	uint32_t count = (uint32_t) binary_uint(in, 4);

	if (count <= wire_left(in) / size)
		return count;
	wire_fail(in);
	return 0;
}

void
binary_element(WireReader *in, const WireType *type, int32_t typmod)
{
	int32_t len = binary_int32(in);
	const char *bytes;

	if (len == -1)
		etf_put_null(in->out);
	else if (len < 0)
		wire_fail(in);
	else if ((bytes = binary_bytes(in, (size_t) len)) != NULL)
		wire_read(in, type, typmod, bytes, (size_t) len);
}
