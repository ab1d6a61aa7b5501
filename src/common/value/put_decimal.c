/*
 * put_decimal.c
 *		Decimal numbers as terms.
 *
 * A coefficient of up to 19 digits is an integer of 64 bits, a longer one is
 * built in limbs.
 */
#include <math.h>

#include "common/term/template.h"
#include "common/value/decimal.h"

/* Limbs and text of ordinary numbers need no scratch memory. */
#define LOCAL_LIMBS 32
#define LOCAL_TEXT 256

static EtfTemplate decimal = {.module = "Elixir.Decimal",
							  .fields = {{"sign", FILL_INT, NULL},
										 {"exp", FILL_INT, NULL},
										 {"coef", FILL_TERM, NULL}}};

static void
put_big_coefficient(TermOut *out, const Decimal *number, bool negative)
{
	uint64_t local[LOCAL_LIMBS];
	Bignum big = {local, 0};
	size_t limbs = bignum_limbs((size_t) decimal_length(number));
	char *p;

	if (limbs > LOCAL_LIMBS)
		big.limbs = out->host->scratch(NULL, limbs * sizeof(uint64_t));
	decimal_big_coefficient(number, &big);
	p = out_reserve(out, bignum_size(&big));
	out->len += (size_t) (bignum_write(p, negative, &big) - p);
	if (limbs > LOCAL_LIMBS)
		out_scratch_free(out, big.limbs);
}

void
etf_put_coefficient(TermOut *out, const Decimal *number, bool negative)
{
	uint64_t small;

	if (!decimal_is_small(number))
	{
		put_big_coefficient(out, number, negative);
		return;
	}
	small = decimal_coefficient(number);
	if (negative && small <= INT64_MAX)
		etf_put_int(out, -(int64_t) small);
	else if (negative)
		put_big_coefficient(out, number, negative);
	else
		etf_put_uint(out, small);
}

/* In the place of a hole that is too small for it, the last one of "p". */
static void
put_far_exponent(TermOut *out, const char *p, int64_t exponent)
{
	out->len = (size_t) (p - out->data) + (size_t) decimal.hole[1] - 1;
	etf_put_int(out, exponent);
	etf_put_atom(out, "coef");
}

static void
put_struct(TermOut *out, const Decimal *number)
{
	char *p = etf_put_template(out, &decimal);

	template_int(p, &decimal, 0, number->negative ? -1 : 1);
	template_int(p, &decimal, 1, (int32_t) number->exponent);
	if (term_unlikely((int32_t) number->exponent != number->exponent))
		put_far_exponent(out, p, number->exponent);
	if (!number->special)
		etf_put_coefficient(out, number, false);
	else if (number->nan)
		etf_put_atom(out, "NaN");
	else
		etf_put_atom(out, "inf");
}

/* The atom that a float of this value has. */
static void
put_special(TermOut *out, const Decimal *number)
{
	if (number->nan)
		etf_put_float(out, NAN);
	else
		etf_put_infinity(out, number->negative);
}

static void
put_pair(TermOut *out, const Decimal *number)
{
	if (number->special)
	{
		put_special(out, number);
		return;
	}
	etf_put_tuple(out, 2);
	etf_put_coefficient(out, number, number->negative);
	etf_put_int(out, number->exponent);
}

static void
put_special_text(TermOut *out, const Decimal *number)
{
	const char *text = number->nan		  ? "NaN"
					   : number->negative ? "-Infinity"
										  : "Infinity";

	etf_put_binary(out, text, strlen(text));
}

static void
put_text(TermOut *out, const Decimal *number)
{
	char local[LOCAL_TEXT];
	size_t size = decimal_text_size(number);
	char *text = size <= LOCAL_TEXT ? local : out->host->scratch(NULL, size);

	etf_put_binary(out, text,
				   (size_t) (decimal_write_text(text, number) - text));
	if (text != local)
		out_scratch_free(out, text);
}

static void
put_float(TermOut *out, const Decimal *number)
{
	double value;

	if (number->special)
	{
		put_special(out, number);
		return;
	}
	value = decimal_double(out, number);
	if (isinf(value)) /* no double is that large */
		put_text(out, number);
	else
		etf_put_float(out, value);
}

void
etf_put_decimal_as(TermOut *out, const Decimal *number, EtfNumeric form)
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
			put_struct(out, number);
			break;
	}
}

void
etf_put_decimal(TermOut *out, const Decimal *number)
{
	etf_put_decimal_as(out, number, (EtfNumeric) out->forms->numeric);
}
