/*
 * json_number.c
 *		Numbers of json, and those of jsonb that are long: text to term.
 *
 * Called by value_json.c and value_jsonb.c.
 */
#include "postgres.h"

#include <math.h>

#include "port/pg_bswap.h"

#include "plugin/encoders.h"
#include "plugin/json.h"
#include "plugin/struct.h"

/*
 * More than numeric can hold.  binary_to_term gives up on integers of some
 * million digits, and with them on the whole frame.
 */
#define MAX_NUMBER_LEN 150000

/* Digits that surely fit an int64. */
#define INT64_DIGITS 18

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

static bool parse_number(Number *number, const char *text, Size len);
static const char *parse_digits(Number *number, const char *p, const char *end);
static const char *parse_exponent(Number *number, const char *p,
								  const char *end);
static double number_to_double(const Number *number);
static void put_decimal(EtfOut *out, const Number *number);
static void put_coefficient(EtfOut *out, const Number *number, bool negative);
static void put_big(EtfOut *out, bool negative, const char *digits,
					int ndigits);
static void put_big_words(EtfOut *out, bool negative, const uint32 *words,
						  int nwords);
static char word_byte(const uint32 *words, int i);

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
	if (out->options->json_numbers == JSON_NUMBERS_FLOAT)
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

/* The form that a numeric has; as text where that is a float as well. */
static void
put_decimal(EtfOut *out, const Number *number)
{
	switch (out->options->numeric)
	{
		case NUMERIC_DECIMAL:
			etf_put_struct(out, "Decimal", 3);
			etf_put_atom(out, "sign");
			etf_put_int(out, number->negative ? -1 : 1);
			etf_put_atom(out, "coef");
			put_coefficient(out, number, false);
			etf_put_atom(out, "exp");
			etf_put_int(out, number->exponent);
			break;
		case NUMERIC_PAIR:
			etf_put_tuple(out, 2);
			put_coefficient(out, number, number->negative);
			etf_put_int(out, number->exponent);
			break;
		default:
			etf_put_binary(out, number->text, number->len);
			break;
	}
}

static void
put_coefficient(EtfOut *out, const Number *number, bool negative)
{
	char *digits;
	int ndigits = 0;

	if (number->ndigits <= INT64_DIGITS)
	{
		etf_put_int(out, negative ? -number->coef : number->coef);
		return;
	}
	digits = palloc(number->len);
	for (const char *p = number->text; p < number->text + number->len; p++)
	{
		if (*p == 'e' || *p == 'E')
			break;
		if (*p >= '0' && *p <= '9')
			digits[ndigits++] = *p;
	}
	put_big(out, negative, digits, ndigits);
	pfree(digits);
}

/* Digits of base 10 to bytes of base 256, lowest first. */
static void
put_big(EtfOut *out, bool negative, const char *digits, int ndigits)
{
	uint32 *words = palloc((ndigits / 9 + 1) * sizeof(uint32));
	int nwords = 0;
	for (int i = 0; i < ndigits;)
	{
		uint64 carry = 0;
		uint64 base = 1;

		do
		{
			carry = carry * 10 + (digits[i] - '0');
			base *= 10;
		} while (++i < ndigits && base < 1000000000);
		for (int j = 0; j < nwords; j++)
		{
			carry += words[j] * base;
			words[j] = (uint32) carry;
			carry >>= 32;
		}
		if (carry > 0)
			words[nwords++] = (uint32) carry;
	}
	put_big_words(out, negative, words, nwords);
	pfree(words);
}

/* SMALL_BIG_EXT or LARGE_BIG_EXT; lowest word first. */
static void
put_big_words(EtfOut *out, bool negative, const uint32 *words, int nwords)
{
	int nbytes = nwords * 4;
	char *p = out_reserve(out, nbytes + 6);

	while (nbytes > 0 && word_byte(words, nbytes - 1) == 0)
		nbytes--;
	if (nbytes < 256)
	{
		*p++ = 'n';
		*p++ = (char) nbytes;
	}
	else
	{
		uint32 count = pg_hton32(nbytes);

		*p++ = 'o';
		memcpy(p, &count, sizeof(count));
		p += sizeof(count);
	}
	*p++ = negative;
	for (int i = 0; i < nbytes; i++)
		*p++ = word_byte(words, i);
	out->buf->len = p - out->buf->data;
}

static char
word_byte(const uint32 *words, int i)
{
	return (char) (words[i / 4] >> (i % 4 * 8));
}
