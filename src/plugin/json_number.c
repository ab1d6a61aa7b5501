/*
 * json_number.c
 *		Numbers of json, from text to term.
 *
 * Called by value_json.c; those of jsonb are numerics, see value_numeric.c.
 */
#include "postgres.h"

#include <math.h>

#include "common/bignum.h"
#include "plugin/encoders.h"
#include "plugin/json.h"
#include "plugin/template.h"

/*
 * More than numeric can hold.  binary_to_term gives up on integers of some
 * million digits, and with them on the whole frame.
 */
#define MAX_NUMBER_LEN 150000

/* Digits that surely fit an int64. */
#define INT64_DIGITS 18

/* Ten to the digits that a limb holds. */
#define MAX_GROUP UINT64CONST(10000000000000000000)

/* Beyond this an exponent is only known to be large. */
#define MAX_EXPONENT INT64CONST(1000000000000000)

typedef struct Number
{
	const char *text;
	Size len;
	bool negative;
	bool integral;	/* neither fraction nor exponent */
	int ndigits;	/* of the coefficient, without leading zeros */
	int64 coef;		/* its first INT64_DIGITS digits, without sign */
	int64 exponent; /* the value is coefficient * 10 ^ exponent */
} Number;

static EtfTemplate decimal = {.module = "Elixir.Decimal",
							  .fields = {{"sign", FILL_INT, NULL},
										 {"exp", FILL_TERM, NULL},
										 {"coef", FILL_TERM, NULL}}};

static bool parse_number(Number *number, const char *text, Size len);
static const char *parse_digits(Number *number, const char *p, const char *end);
static const char *parse_exponent(Number *number, const char *p,
								  const char *end);
static double number_to_double(const Number *number);
static void put_decimal(EtfOut *out, const Number *number);
static void put_decimal_struct(EtfOut *out, const Number *number);
static void put_coefficient(EtfOut *out, const Number *number, bool negative);
static void put_big(EtfOut *out, const Number *number, bool negative);

bool
json_put_number(EtfOut *out, const char *text, Size len)
{
	Number number;
	double value;

	if (!parse_number(&number, text, len))
		return false;
	if (number.integral)
	{
		put_coefficient(out, &number, number.negative);
		return true;
	}
	if (out->options->json_numbers == JSON_NUMBERS_FLOAT ||
		out->options->numeric == NUMERIC_FLOAT)
	{
		value = number_to_double(&number);
		if (!isinf(value))
		{
			etf_put_float(out, value);
			return true;
		}
	}
	if (number.exponent >= MAX_EXPONENT || number.exponent <= -MAX_EXPONENT)
		return false;
	put_decimal(out, &number);
	return true;
}

static bool
parse_number(Number *number, const char *text, Size len)
{
	const char *end = text + len;
	const char *p = text;
	const char *start;

	if (len > MAX_NUMBER_LEN)
		return false;
	memset(number, 0, sizeof(*number));
	number->text = text;
	number->len = len;
	number->negative = p < end && *p == '-';
	if (number->negative)
		p++;

	start = p;
	p = parse_digits(number, p, end);
	if (p == start)
		return false;
	number->integral = p == end;
	if (p < end && *p == '.')
	{
		start = ++p;
		p = parse_digits(number, p, end);
		if (p == start)
			return false;
		number->exponent = -(p - start);
	}
	if (p < end && (*p == 'e' || *p == 'E'))
		p = parse_exponent(number, p + 1, end);
	return p == end;
}

static const char *
parse_digits(Number *number, const char *p, const char *end)
{
	for (; p < end && *p >= '0' && *p <= '9'; p++)
	{
		if (*p == '0' && number->ndigits == 0)
			continue;
		if (number->ndigits < INT64_DIGITS)
			number->coef = number->coef * 10 + (*p - '0');
		number->ndigits++;
	}
	return p;
}

/* Add the exponent to that of the fraction; NULL where there is no digit. */
static const char *
parse_exponent(Number *number, const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	const char *start;
	int64 exponent = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	for (start = p; p < end && *p >= '0' && *p <= '9'; p++)
	{
		if (exponent <= MAX_EXPONENT)
			exponent = exponent * 10 + (*p - '0');
	}
	number->exponent += negative ? -exponent : exponent;
	return p > start ? p : NULL;
}

/*
 * The double nearest to the number.  Where a double holds both coefficient
 * and power of ten exactly, their product is rounded once, as strtod would.
 */
static double
number_to_double(const Number *number)
{
	static const double power[] = {
		1e0,  1e1,	1e2,  1e3,	1e4,  1e5,	1e6,  1e7,	1e8,  1e9,	1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	const int64 limit = lengthof(power);
	char local[64];
	char *copy = local;
	double value;

	if (number->ndigits <= INT64_DIGITS &&
		number->coef <= INT64CONST(1) << 53 && number->exponent > -limit &&
		number->exponent < limit)
	{
		value = (double) number->coef;
		if (number->exponent < 0)
			value /= power[-number->exponent];
		else
			value *= power[number->exponent];
		return number->negative ? -value : value;
	}

	if (number->len >= sizeof(local))
		copy = palloc(number->len + 1);
	memcpy(copy, number->text, number->len);
	copy[number->len] = '\0';
	value = strtod(copy, NULL);
	if (copy != local)
		pfree(copy);
	return value;
}

/* The text stands for itself where numerics are floats as well. */
static void
put_decimal(EtfOut *out, const Number *number)
{
	if (json_decimal_form(out->options) == NUMERIC_DECIMAL)
		put_decimal_struct(out, number);
	else
		etf_put_binary(out, number->text, number->len);
}

static void
put_decimal_struct(EtfOut *out, const Number *number)
{
	char *p = etf_put_template(out, &decimal);

	template_int(p, &decimal, 0, number->negative ? -1 : 1);
	etf_put_int(out, number->exponent);
	etf_put_template_rest(out, &decimal, 0);
	put_coefficient(out, number, false);
}

static void
put_coefficient(EtfOut *out, const Number *number, bool negative)
{
	if (number->ndigits <= INT64_DIGITS)
		etf_put_int(out, negative ? -number->coef : number->coef);
	else
		put_big(out, number, negative);
}

static void
put_big(EtfOut *out, const Number *number, bool negative)
{
	Size size = bignum_limbs(number->ndigits) * sizeof(uint64_t);
	Bignum big = {palloc(size), 0};
	uint64 factor = 1;
	uint64 group = 0;
	char *end;

	for (const char *p = number->text; p < number->text + number->len; p++)
	{
		if (*p == 'e' || *p == 'E')
			break;
		if (*p < '0' || *p > '9')
			continue;
		group = group * 10 + (*p - '0');
		factor *= 10;
		if (factor == MAX_GROUP)
		{
			bignum_append(&big, factor, group);
			factor = 1;
			group = 0;
		}
	}
	bignum_append(&big, factor, group);
	end = out_reserve(out, bignum_size(&big));
	out->buf->len += bignum_write(end, negative, &big) - end;
	pfree(big.limbs);
}
