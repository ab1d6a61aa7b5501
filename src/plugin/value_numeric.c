/*
 * value_numeric.c
 *		Numerics, from their digits.
 *
 * A coefficient of up to 19 digits is an integer of 64 bits, a longer one is
 * built in limbs.
 */
#include "postgres.h"

#include <math.h>

#include "plugin/encoders.h"
#include "plugin/json.h"
#include "plugin/numeric.h"
#include "plugin/template.h"

/* Limbs and text of ordinary numbers need no palloc. */
#define LOCAL_LIMBS 32
#define LOCAL_TEXT 256

static EtfTemplate decimal = {.module = "Elixir.Decimal",
							  .fields = {{"sign", FILL_INT, NULL},
										 {"exp", FILL_INT, NULL},
										 {"coef", FILL_TERM, NULL}}};

static void
put_big_coefficient(EtfOut *out, const EtfNumber *number, bool negative)
{
	uint64 local[LOCAL_LIMBS];
	Bignum big = {(uint64_t *) local, 0};
	size_t limbs = bignum_limbs(etf_number_digits(number));
	char *p;

	if (limbs > LOCAL_LIMBS)
		big.limbs = palloc(limbs * sizeof(uint64_t));
	etf_number_big_coefficient(number, &big);
	p = out_reserve(out, bignum_size(&big));
	out->buf->len += bignum_write(p, negative, &big) - p;
	if (limbs > LOCAL_LIMBS)
		pfree(big.limbs);
}

static void
put_coefficient(EtfOut *out, const EtfNumber *number, bool negative)
{
	uint64 small;

	if (!etf_number_is_small(number))
	{
		put_big_coefficient(out, number, negative);
		return;
	}
	small = etf_number_coefficient(number);
	if (negative && small <= PG_INT64_MAX)
		etf_put_int(out, -(int64) small);
	else if (negative)
		put_big_coefficient(out, number, negative);
	else
		etf_put_uint(out, small);
}

static void
put_decimal(EtfOut *out, const EtfNumber *number)
{
	char *p = etf_put_template(out, &decimal);

	template_int(p, &decimal, 0, number->negative ? -1 : 1);
	template_int(p, &decimal, 1, -number->scale);
	if (!number->special)
		put_coefficient(out, number, false);
	else if (number->nan)
		etf_put_atom(out, "NaN");
	else
		etf_put_atom(out, "inf");
}

/* The atom that a float of this value has. */
static void
put_special(EtfOut *out, const EtfNumber *number)
{
	if (number->nan)
		etf_put_float(out, NAN);
	else
		etf_put_infinity(out, number->negative);
}

static void
put_pair(EtfOut *out, const EtfNumber *number)
{
	if (number->special)
	{
		put_special(out, number);
		return;
	}
	etf_put_tuple(out, 2);
	put_coefficient(out, number, number->negative);
	etf_put_int(out, -number->scale);
}

static void
put_special_text(EtfOut *out, const EtfNumber *number)
{
	const char *text = number->nan		  ? "NaN"
					   : number->negative ? "-Infinity"
										  : "Infinity";

	etf_put_binary(out, text, strlen(text));
}

static void
put_text(EtfOut *out, const EtfNumber *number)
{
	char local[LOCAL_TEXT];
	Size size = etf_number_text_size(number);
	char *text = size <= LOCAL_TEXT ? local : palloc(size);

	etf_put_binary(out, text, etf_number_write_text(text, number) - text);
	if (text != local)
		pfree(text);
}

static void
put_float(EtfOut *out, const EtfNumber *number)
{
	double value;

	if (number->special)
	{
		put_special(out, number);
		return;
	}
	value = etf_number_double(number);
	if (isinf(value)) /* no double is that large */
		put_text(out, number);
	else
		etf_put_float(out, value);
}

static void
put_number(EtfOut *out, const EtfNumber *number, EtfNumeric form)
{
	switch (form)
	{
		case NUMERIC_PAIR:
			put_pair(out, number);
			break;
		case NUMERIC_TEXT:
			if (number->special)
				put_special_text(out, number);
			else
				put_text(out, number);
			break;
		case NUMERIC_FLOAT:
			put_float(out, number);
			break;
		default:
			put_decimal(out, number);
			break;
	}
}

void
encode_numeric(EtfOut *out, const EtfType *type, Datum value)
{
	struct varlena *datum = PG_DETOAST_DATUM_PACKED(value);
	EtfNumber number = etf_number_read(datum);

	put_number(out, &number, out->options->numeric);
}

void
json_put_numeric(EtfOut *out, Datum value)
{
	EtfNumber number =
		etf_number_read((struct varlena *) DatumGetPointer(value));
	bool wants_float = out->options->json_numbers == JSON_NUMBERS_FLOAT;
	double nearest;

	if (number.scale == 0 && !number.special)
		put_coefficient(out, &number, number.negative);
	else if (wants_float && !number.special &&
			 isfinite(nearest = etf_number_double(&number)))
		etf_put_float(out, nearest);
	else
		put_number(out, &number, json_decimal_form(out->options));
}

Size
numeric_text_size(Datum value)
{
	EtfNumber number =
		etf_number_read((struct varlena *) DatumGetPointer(value));

	return etf_number_text_size(&number);
}
