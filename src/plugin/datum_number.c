/*
 * datum_number.c
 *		Integers, object identifiers, floats, booleans, numerics and money.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "storage/itemptr.h"
#include "utils/cash.h"

#include "common/value/json.h"
#include "common/value/number.h"
#include "compat/values.h"
#include "plugin/datum.h"

void
encode_bool(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_bool(out, DatumGetBool(value));
}

void
encode_int2(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_int(out, DatumGetInt16(value));
}

void
encode_int4(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_int(out, DatumGetInt32(value));
}

void
encode_int8(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_int(out, DatumGetInt64(value));
}

/* All types that are 32 bits without sign: oid, reg*, xid, cid. */
void
encode_uint4(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_int(out, DatumGetObjectId(value));
}

/* xid8, pg_lsn */
void
encode_uint8(TermOut *out, const EtfType *type, Datum value)
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
encode_float4(TermOut *out, const EtfType *type, Datum value)
{
	float4 number = DatumGetFloat4(value);

	if (out->forms->float4 == FLOAT4_SHORTEST && isfinite(number))
		etf_put_float(out, shortest_double(number));
	else
		etf_put_float(out, number);
}

void
encode_float8(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_float(out, DatumGetFloat8(value));
}

void
encode_tid(TermOut *out, const EtfType *type, Datum value)
{
	ItemPointer tid = (ItemPointer) DatumGetPointer(value);

	etf_put_tid(out, ItemPointerGetBlockNumberNoCheck(tid),
				ItemPointerGetOffsetNumberNoCheck(tid));
}

void
encode_money(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_money(out, DatumGetCash(value));
}

/*
 * The header of a stored numeric.  Its layout is private to the server's
 * numeric.c, but as it is on every disk pg_upgrade keeps it as it has been
 * since 9.1: a header of one or two words, then digits of base 10000, without
 * leading or trailing zeros.
 */
#define KIND_MASK 0xC000
#define KIND_NEGATIVE 0x4000
#define KIND_SHORT 0x8000
#define KIND_SPECIAL 0xC000
#define SPECIAL_MASK 0xF000
#define SPECIAL_NAN 0xC000
#define SPECIAL_MINUS_INFINITY 0xF000
#define SCALE_MASK 0x3FFF
#define SHORT_NEGATIVE 0x2000
#define SHORT_SCALE(header) (((header) >> 7) & 0x3F)
#define SHORT_WEIGHT(header) (((header) &0x3F) - ((header) &0x40 ? 64 : 0))

static Decimal
read_special(uint16 header)
{
	uint16 kind = header & SPECIAL_MASK;
	Decimal number = {.special = true,
					  .nan = kind == SPECIAL_NAN,
					  .negative = kind == SPECIAL_MINUS_INFINITY};

	return number;
}

/* From a datum that is detoasted, its header of any size. */
static Decimal
read_numeric(const struct varlena *datum)
{
	const char *p = VARDATA_ANY(datum);
	int words = VARSIZE_ANY_EXHDR(datum) / sizeof(uint16);
	uint16 header;
	int16 weight;

	memcpy(&header, p, sizeof(header));
	if ((header & KIND_MASK) == KIND_SHORT)
		return decimal_from_groups((header & SHORT_NEGATIVE) != 0,
								   SHORT_WEIGHT(header), SHORT_SCALE(header),
								   p + sizeof(header), words - 1);
	if ((header & KIND_MASK) == KIND_SPECIAL)
		return read_special(header);
	memcpy(&weight, p + sizeof(header), sizeof(weight));
	return decimal_from_groups((header & KIND_MASK) == KIND_NEGATIVE, weight,
							   header & SCALE_MASK,
							   p + sizeof(header) + sizeof(weight), words - 2);
}

void
encode_numeric(TermOut *out, const EtfType *type, Datum value)
{
	Decimal number = read_numeric(PG_DETOAST_DATUM_PACKED(value));

	etf_put_decimal(out, &number);
}

void
etf_put_json_numeric(TermOut *out, Datum value)
{
	Decimal number = read_numeric((struct varlena *) DatumGetPointer(value));

	etf_put_json_decimal(out, &number);
}

Size
etf_numeric_text_size(Datum value)
{
	Decimal number = read_numeric((struct varlena *) DatumGetPointer(value));

	return number.special ? 16 : decimal_text_size(&number);
}
