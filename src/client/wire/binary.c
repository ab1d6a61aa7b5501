/*
 * binary.c
 *		Who reads which kind from what typsend makes of it.
 */
#include "client/wire/binary.h"

const WireReaders wire_binary_readers = {
	.read[KIND_NONE] = wire_rest_none,
	.read[KIND_BOOL] = binary_bool,
	.read[KIND_INT2] = binary_int2,
	.read[KIND_INT4] = binary_int4,
	.read[KIND_INT8] = binary_int8,
	.read[KIND_UINT4] = binary_uint4,
	.read[KIND_UINT8] = binary_uint8,
	.read[KIND_FLOAT4] = binary_float4,
	.read[KIND_FLOAT8] = binary_float8,
	.read[KIND_NUMERIC] = binary_numeric,
	.read[KIND_MONEY] = binary_money,
	.read[KIND_TID] = binary_tid,
	.read[KIND_TEXT] = wire_rest_text,
	.read[KIND_CHAR] = binary_char,
	.read[KIND_NAME] = wire_rest_text,
	.read[KIND_BYTEA] = binary_bytea,
	.read[KIND_BITS] = binary_bits,
	.read[KIND_UUID] = binary_uuid,
	.read[KIND_DATE] = binary_date,
	.read[KIND_TIME] = binary_time,
	.read[KIND_TIMETZ] = binary_timetz,
	.read[KIND_TIMESTAMP] = binary_timestamp,
	.read[KIND_TIMESTAMPTZ] = binary_timestamptz,
	.read[KIND_INTERVAL] = binary_interval,
	.read[KIND_JSON] = wire_rest_json,
	.read[KIND_JSONB] = binary_jsonb,
	.read[KIND_TSVECTOR] = binary_tsvector,
	.read[KIND_INET] = binary_inet,
	.read[KIND_MACADDR] = binary_macaddr,
	.read[KIND_MACADDR8] = binary_macaddr8,
	.read[KIND_POINT] = wire_point,
	.read[KIND_LINE] = wire_line,
	.read[KIND_LSEG] = wire_lseg,
	.read[KIND_BOX] = wire_box,
	.read[KIND_PATH] = wire_path,
	.read[KIND_POLYGON] = wire_polygon,
	.read[KIND_CIRCLE] = wire_circle,
	.read[KIND_RECORD] = wire_rest_unknown,
	.read[KIND_HSTORE] = binary_hstore,
	.read[KIND_VECTOR] = binary_vector,
	.read[KIND_ETF] = binary_etf,
	.read[KIND_ARRAY] = binary_array,
	.read[KIND_COMPOSITE] = binary_composite,
	.read[KIND_ENUM] = wire_rest_text,
	.read[KIND_RANGE] = binary_range,
	.read[KIND_MULTIRANGE] = binary_multirange,
	.read[KIND_OTHER] = binary_by_form,
	.take_floats = binary_take_floats,
	.count_points = binary_count_points,
	.is_closed = binary_is_closed,
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
