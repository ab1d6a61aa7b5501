/*
 * value_number.c
 *		Integers, object identifiers, floats and booleans.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "storage/itemptr.h"

#include "plugin/encoders.h"

void
encode_bool(EtfOut *out, const EtfType *type, Datum value)
{
	etf_put_bool(out, DatumGetBool(value));
}

void
encode_int2(EtfOut *out, const EtfType *type, Datum value)
{
	etf_put_int(out, DatumGetInt16(value));
}

void
encode_int4(EtfOut *out, const EtfType *type, Datum value)
{
	etf_put_int(out, DatumGetInt32(value));
}

void
encode_int8(EtfOut *out, const EtfType *type, Datum value)
{
	etf_put_int(out, DatumGetInt64(value));
}

/* All types that are 32 bits without sign: oid, reg*, xid, cid. */
void
encode_oid(EtfOut *out, const EtfType *type, Datum value)
{
	etf_put_int(out, DatumGetObjectId(value));
}

/* xid8, pg_lsn */
void
encode_uint8(EtfOut *out, const EtfType *type, Datum value)
{
	etf_put_uint(out, DatumGetUInt64(value));
}

/* The double that reads like the float4 prints: 0.1, not 0.10000000149. */
static double
shortest_double(float4 value)
{
	char text[FLOAT_SHORTEST_DECIMAL_LEN];

	text[float_to_shortest_decimal_bufn(value, text)] = '\0';
	return strtod(text, NULL);
}

void
encode_float4(EtfOut *out, const EtfType *type, Datum value)
{
	float4 number = DatumGetFloat4(value);

	if (out->options->float4 == FLOAT4_SHORTEST && isfinite(number))
		etf_put_float(out, shortest_double(number));
	else
		etf_put_float(out, number);
}

void
encode_float8(EtfOut *out, const EtfType *type, Datum value)
{
	etf_put_float(out, DatumGetFloat8(value));
}

/* {Block, Offset} */
void
encode_tid(EtfOut *out, const EtfType *type, Datum value)
{
	ItemPointer tid = (ItemPointer) DatumGetPointer(value);

	etf_put_tuple(out, 2);
	etf_put_int(out, ItemPointerGetBlockNumberNoCheck(tid));
	etf_put_int(out, ItemPointerGetOffsetNumberNoCheck(tid));
}
