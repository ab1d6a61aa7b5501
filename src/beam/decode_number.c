/*
 * decode_number.c
 *		Numbers and booleans.
 *
 * Integers must be integers and in range; nothing is rounded or taken from
 * text.  A numeric takes every number that Elixir has.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "storage/itemptr.h"
#include "utils/cash.h"
#include "utils/float.h"

#include "beam/decoders.h"
#include "common/term/digits.h"

Datum
decode_bool(Decoding *in, const DecodeType *type, const Term *term)
{
	if (term->kind == TERM_ATOM && term_is_atom(term, "true"))
		return BoolGetDatum(true);
	if (term->kind == TERM_ATOM && term_is_atom(term, "false"))
		return BoolGetDatum(false);
	decode_mismatch(in, type, term);
}

static int64
integer_between(Decoding *in, const DecodeType *type, const Term *term,
				int64 min, int64 max)
{
	if (term->kind == TERM_BIG ||
		(term->kind == TERM_INTEGER &&
		 (term->integer < min || term->integer > max)))
		decode_out_of_range(in, type, term);
	if (term->kind != TERM_INTEGER)
		decode_mismatch(in, type, term);
	return term->integer;
}

Datum
decode_int2(Decoding *in, const DecodeType *type, const Term *term)
{
	return Int16GetDatum(
		(int16) integer_between(in, type, term, PG_INT16_MIN, PG_INT16_MAX));
}

Datum
decode_int4(Decoding *in, const DecodeType *type, const Term *term)
{
	return Int32GetDatum(
		(int32) integer_between(in, type, term, PG_INT32_MIN, PG_INT32_MAX));
}

Datum
decode_int8(Decoding *in, const DecodeType *type, const Term *term)
{
	return Int64GetDatum(
		integer_between(in, type, term, PG_INT64_MIN, PG_INT64_MAX));
}

/* The reg* types have names, too. */
Datum
decode_oid(Decoding *in, const DecodeType *type, const Term *term)
{
	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	return ObjectIdGetDatum(
		(Oid) integer_between(in, type, term, 0, PG_UINT32_MAX));
}

Datum
decode_uint8(Decoding *in, const DecodeType *type, const Term *term)
{
	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	if (term->kind == TERM_BIG && !term->negative && term->len <= 8)
		return UInt64GetDatum(term_magnitude(term));
	return Int64GetDatum(integer_between(in, type, term, 0, PG_INT64_MAX));
}

/* {Block, Offset} */
Datum
decode_tid(Decoding *in, const DecodeType *type, const Term *term)
{
	ItemPointer tid = palloc0(sizeof(ItemPointerData));
	Term head = *term;
	int64 values[2];

	if (!tuple_of_ints(in, term, 2, PG_UINT32_MAX, values) ||
		values[1] > PG_UINT16_MAX)
		decode_mismatch(in, type, &head);
	ItemPointerSet(tid, (BlockNumber) values[0], (OffsetNumber) values[1]);
	return PointerGetDatum(tid);
}

static bool
special_real(const Term *term, double *value)
{
	if (term->kind != TERM_ATOM)
		return false;
	if (term_is_atom(term, "NaN"))
		*value = get_float8_nan();
	else if (term_is_atom(term, "inf"))
		*value = get_float8_infinity();
	else if (term_is_atom(term, "-inf"))
		*value = -get_float8_infinity();
	else
		return false;
	return true;
}

bool
decode_real(const Term *term, double *value)
{
	if (term->kind == TERM_FLOAT)
		*value = term->real;
	else if (term->kind == TERM_INTEGER)
		*value = (double) term->integer;
	else
		return special_real(term, value);
	return true;
}

/* As the input function does: 1e300 is no infinity, 1e-300 no zero. */
Datum
decode_float4(Decoding *in, const DecodeType *type, const Term *term)
{
	double value;
	float4 narrow;

	if (!decode_real(term, &value))
		decode_mismatch(in, type, term);
	narrow = (float4) value;
	if ((isinf(narrow) && !isinf(value)) || (narrow == 0 && value != 0))
		decode_out_of_range(in, type, term);
	return Float4GetDatum(narrow);
}

Datum
decode_float8(Decoding *in, const DecodeType *type, const Term *term)
{
	double value;

	if (term->kind == TERM_BIG)
		return decode_input(type, decode_number_text(in, term));
	if (!decode_real(term, &value))
		decode_mismatch(in, type, term);
	return Float8GetDatum(value);
}

/* Up to what digits.c can hold; more digits no numeric has. */
static char *
big_text(const Term *term)
{
	Digits digits;
	char *text;

	if (!digits_init(&digits, term->bytes, term->len))
		return NULL;
	text = palloc(digits.ndigits + 2);
	text[0] = '-';
	digits_copy(&digits, 0, text + 1, digits.ndigits);
	text[digits.ndigits + 1] = '\0';
	return term->negative ? text : text + 1;
}

static char *
real_text(double value)
{
	char *text = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	double_to_shortest_decimal_buf(value, text);
	return text;
}

/* The coefficient of a decimal, or what it has instead. */
static char *
coefficient_text(Decoding *in, const Term *coef, bool *special)
{
	*special = coef->kind == TERM_ATOM;
	if (coef->kind == TERM_INTEGER)
		return psprintf(INT64_FORMAT, coef->integer);
	if (coef->kind == TERM_BIG)
		return big_text(coef);
	if (*special && term_is_atom(coef, "NaN"))
		return "NaN";
	return *special && term_is_atom(coef, "inf") ? "Infinity" : NULL;
}

static char *
decimal_text(Decoding *in, const Term *term)
{
	static const char *const names[] = {"sign", "coef", "exp", NULL};
	StructReader fields;
	Decoding at;
	Term coef;
	char *text;
	bool special;
	int64 sign;
	int64 exp;

	if (!struct_begin(in, term, "Elixir.Decimal", names, &fields) ||
		!struct_int(in, &fields, 0, -1, 1, &sign) ||
		!struct_int(in, &fields, 2, PG_INT32_MIN, PG_INT32_MAX, &exp))
		return NULL;
	at = struct_at(in, &fields, 1);
	decode_next(&at, &coef);
	text = coefficient_text(in, &coef, &special);
	if (text == NULL || special)
		return text == NULL || sign > 0 ? text : psprintf("-%s", text);
	return psprintf("%s%se%d", sign < 0 ? "-" : "", text, (int) exp);
}

/* A map that is none is still to be read as what it is. */
static char *
decimal_or_nothing(Decoding *in, const Term *term)
{
	TermReader start = in->reader;
	char *text = decimal_text(in, term);

	if (text == NULL)
		in->reader = start;
	return text;
}

char *
decode_number_text(Decoding *in, const Term *term)
{
	switch (term->kind)
	{
		case TERM_INTEGER:
			return psprintf(INT64_FORMAT, term->integer);
		case TERM_BIG:
			return big_text(term);
		case TERM_FLOAT:
			return real_text(term->real);
		case TERM_MAP:
			return decimal_or_nothing(in, term);
		default:
			return NULL;
	}
}

static const char *
special_text(const Term *term)
{
	double value;

	if (!special_real(term, &value))
		return NULL;
	return isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

/* What numeric_in reads, of all that a number can be. */
static const char *
numeric_text(Decoding *in, const Term *term)
{
	if (term->kind == TERM_BINARY)
		return decode_text_of(term);
	if (term->kind == TERM_ATOM)
		return special_text(term);
	return decode_number_text(in, term);
}

Datum
decode_numeric(Decoding *in, const DecodeType *type, const Term *term)
{
	const char *text = numeric_text(in, term);

	if (text == NULL)
		decode_mismatch(in, type, term);
	return decode_input(type, text);
}

/* "-1234.56" in the smallest unit; false for any other text. */
static bool
parse_money(const char *text, Cash *cash)
{
	bool negative = *text == '-';
	uint64 amount = 0;
	int decimals = -1;

	for (text += negative; *text != '\0'; text++)
	{
		if (*text == '.' && decimals < 0)
		{
			decimals = 0;
			continue;
		}
		if (*text < '0' || *text > '9' || decimals == 2 ||
			amount > (UINT64CONST(1) << 63) / 10)
			return false;
		amount = amount * 10 + (*text - '0');
		decimals += decimals >= 0;
	}
	for (decimals = Max(decimals, 0); decimals < 2; decimals++)
	{
		if (amount > (UINT64CONST(1) << 63) / 10)
			return false;
		amount *= 10;
	}
	*cash = negative ? (Cash) -amount : (Cash) amount;
	return amount <= (uint64) PG_INT64_MAX + negative;
}

/* As encode_money writes it; other text as lc_monetary has it. */
Datum
decode_money(Decoding *in, const DecodeType *type, const Term *term)
{
	const char *text = numeric_text(in, term);
	Cash cash;

	if (text == NULL)
		decode_mismatch(in, type, term);
	if (parse_money(text, &cash))
		return CashGetDatum(cash);
	return decode_input(type, text);
}
