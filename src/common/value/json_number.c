/*
 * json_number.c
 *		Numbers of json and jsonb, as terms.
 */
#include <math.h>
#include <stdlib.h>

#include "common/value/json.h"

/*
 * More than numeric can hold.  binary_to_term gives up on integers of some
 * million digits, and with them on the whole frame.
 */
#define MAX_NUMBER_LEN 150000

/* Digits that surely fit an int64_t. */
#define INT64_DIGITS 18

/* Beyond this an exponent is only known to be large. */
#define MAX_EXPONENT INT64_C(1000000000000000)

/* Ordinary numbers need no scratch memory. */
#define LOCAL_GROUPS 64
#define LOCAL_TEXT 64

typedef struct Number
{
	const char *text;
	size_t len;
	bool negative;
	bool integral;	  /* neither fraction nor exponent */
	int ndigits;	  /* of the coefficient, without leading zeros */
	int64_t coef;	  /* its first INT64_DIGITS digits, without sign */
	int64_t exponent; /* the value is coefficient * 10 ^ exponent */
} Number;

static bool parse_number(Number *number, const char *text, size_t len);
static const char *parse_digits(Number *number, const char *p, const char *end);
static const char *parse_exponent(Number *number, const char *p,
								  const char *end);
static double number_to_double(TermOut *out, const Number *number);
static void put_integer(TermOut *out, const Number *number);
static void put_decimal(TermOut *out, const Number *number);

void
etf_put_json_decimal(TermOut *out, const Decimal *number)
{
	bool wants_float = out->forms->json_numbers == JSON_NUMBERS_FLOAT;
	double nearest;

	if (number->exponent == 0 && !number->special)
		etf_put_coefficient(out, number, number->negative);
	else if (wants_float && !number->special &&
			 isfinite(nearest = decimal_double(out, number)))
		etf_put_float(out, nearest);
	else
		etf_put_decimal_as(out, number, json_decimal_form(out->forms));
}

bool
etf_put_json_number(TermOut *out, const char *text, size_t len)
{
	Number number;
	double value;

	if (!parse_number(&number, text, len))
		return false;
	if (number.integral)
	{
		put_integer(out, &number);
		return true;
	}
	if (out->forms->json_numbers == JSON_NUMBERS_FLOAT ||
		out->forms->numeric == NUMERIC_FLOAT)
	{
		value = number_to_double(out, &number);
		if (!isinf(value))
		{
			etf_put_float(out, value);
			return true;
		}
	}
	if (number.exponent >= MAX_EXPONENT || number.exponent <= -MAX_EXPONENT)
		return false;
	/* The text stands for itself where numerics are floats as well. */
	if (json_decimal_form(out->forms) == NUMERIC_DECIMAL)
		put_decimal(out, &number);
	else
		etf_put_binary(out, text, len);
	return true;
}

static bool
parse_number(Number *number, const char *text, size_t len)
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
	int64_t exponent = 0;

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

static double
number_to_double(TermOut *out, const Number *number)
{
	char local[LOCAL_TEXT];
	char *copy = local;
	double value;

	if (number->ndigits <= INT64_DIGITS &&
		decimal_exact_double((uint64_t) number->coef, number->exponent, &value))
		return number->negative ? -value : value;

	if (number->len >= sizeof(local))
		copy = out->host->scratch(NULL, number->len + 1);
	memcpy(copy, number->text, number->len);
	copy[number->len] = '\0';
	value = strtod(copy, NULL);
	if (copy != local)
		out_scratch_free(out, copy);
	return value;
}

/* The digits of the coefficient in groups, all of which count. */
static Decimal
to_decimal(const Number *number, uint16_t *groups)
{
	Decimal decimal = {.negative = number->negative,
					   .exponent = number->exponent,
					   .groups = (const char *) groups};
	int left = number->ndigits;
	uint16_t group = 0;

	for (const char *p = number->text; left > 0; p++)
	{
		if (*p < '0' || *p > '9' || (*p == '0' && left == number->ndigits))
			continue;
		group = (uint16_t) (group * 10 + (*p - '0'));
		if (--left % 4 == 0)
		{
			groups[decimal.ngroups++] = group;
			group = 0;
		}
	}
	return decimal;
}

static inline uint16_t *
groups_alloc(TermOut *out, const Number *number, uint16_t *local)
{
	size_t count = (size_t) number->ndigits / 4 + 1;

	return count <= LOCAL_GROUPS
			   ? local
			   : out->host->scratch(NULL, count * sizeof(uint16_t));
}

static void
put_integer(TermOut *out, const Number *number)
{
	uint16_t local[LOCAL_GROUPS];
	uint16_t *groups;
	Decimal decimal;

	if (number->ndigits <= INT64_DIGITS)
	{
		etf_put_int(out, number->negative ? -number->coef : number->coef);
		return;
	}
	groups = groups_alloc(out, number, local);
	decimal = to_decimal(number, groups);
	etf_put_coefficient(out, &decimal, number->negative);
	if (groups != local)
		out_scratch_free(out, groups);
}

static void
put_decimal(TermOut *out, const Number *number)
{
	uint16_t local[LOCAL_GROUPS];
	uint16_t *groups = groups_alloc(out, number, local);
	Decimal decimal = to_decimal(number, groups);

	etf_put_decimal_as(out, &decimal, NUMERIC_DECIMAL);
	if (groups != local)
		out_scratch_free(out, groups);
}
