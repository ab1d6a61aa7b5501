/*
 * value_numeric.c
 *		Numerics, from their digits.
 *
 * The layout is private to the server's numeric.c, but as it is on every disk
 * pg_upgrade keeps it as it has been since 9.1: a header of one or two words,
 * then digits of base 10000, without leading or trailing zeros.
 *
 * The coefficient is the value times 10 ^ scale, as Postgrex has it: digits
 * are appended group by group, the last one cut where the scale ends.
 */
#include "postgres.h"

#include <ei.h>
#include <math.h>

#include "common/bignum.h"
#include "plugin/encoders.h"
#include "plugin/json.h"
#include "plugin/template.h"

/* Header bits. */
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

/* Decimal digits that a uint64 surely holds, and a double exactly. */
#define UINT64_DIGITS 19
#define DOUBLE_DIGITS 15

/* Limbs and text of ordinary numbers need no palloc. */
#define LOCAL_LIMBS 32
#define LOCAL_TEXT 256

static const uint64 power10[] = {1, 10, 100, 1000, 10000};

typedef struct Number
{
	bool special; /* not finite: only "nan" and "negative" are set */
	bool nan;
	bool negative;
	int scale;	/* decimal digits after the point */
	int weight; /* digits before the point, less one; may be negative */
	int ndigits;
	const char *digits; /* uint16 each, not aligned */
} Number;

static EtfTemplate decimal = {.module = "Elixir.Decimal",
							  .fields = {{"sign", FILL_INT, NULL},
										 {"exp", FILL_INT, NULL},
										 {"coef", FILL_TERM, NULL}}};

static inline int
digit_at(const Number *number, int i)
{
	uint16 digit;

	if (i < 0 || i >= number->ndigits)
		return 0;
	memcpy(&digit, number->digits + i * sizeof(digit), sizeof(digit));
	return digit;
}

/* How many zeros to append to the digits; negative: how many to cut off. */
static inline int
missing_zeros(const Number *number)
{
	return (number->weight + 1 - number->ndigits) * 4 + number->scale;
}

static inline Number
read_number(const struct varlena *value)
{
	const char *p = VARDATA_ANY(value);
	const char *end = p + VARSIZE_ANY_EXHDR(value);
	Number number = {0};
	uint16 header;
	int16 weight;

	memcpy(&header, p, sizeof(header));
	p += sizeof(header);
	switch (header & KIND_MASK)
	{
		case KIND_SHORT:
			number.negative = (header & SHORT_NEGATIVE) != 0;
			number.scale = SHORT_SCALE(header);
			number.weight = SHORT_WEIGHT(header);
			break;
		case KIND_SPECIAL:
			number.special = true;
			number.nan = (header & SPECIAL_MASK) == SPECIAL_NAN;
			number.negative = (header & SPECIAL_MASK) == SPECIAL_MINUS_INFINITY;
			break;
		default:
			memcpy(&weight, p, sizeof(weight));
			p += sizeof(weight);
			number.negative = (header & KIND_MASK) == KIND_NEGATIVE;
			number.scale = header & SCALE_MASK;
			number.weight = weight;
			break;
	}
	number.digits = p;
	number.ndigits = (int) (end - p) / (int) sizeof(uint16);
	while (number.ndigits > 0 && missing_zeros(&number) <= -4)
		number.ndigits--; /* nothing of it would be shown */
	return number;
}

/* The decimal digits of the coefficient. */
static inline int
coefficient_digits(const Number *number)
{
	int first = digit_at(number, 0);
	int length = first < 10 ? 1 : first < 100 ? 2 : first < 1000 ? 3 : 4;

	return length + (number->ndigits - 1) * 4 + missing_zeros(number);
}

static inline bool
coefficient_is_small(const Number *number)
{
	return number->ndigits == 0 || coefficient_digits(number) <= UINT64_DIGITS;
}

/* The digit "i" without what the scale cuts off, and how long that is. */
static inline int
cut_digit(const Number *number, int i, int *length)
{
	int zeros = i == number->ndigits - 1 ? missing_zeros(number) : 0;

	*length = 4;
	if (zeros >= 0)
		return digit_at(number, i);
	*length += zeros;
	return digit_at(number, i) / (int) power10[-zeros];
}

static uint64
small_coefficient(const Number *number)
{
	uint64 result = 0;

	for (int i = 0; i < number->ndigits; i++)
	{
		int length;
		int digit = cut_digit(number, i, &length);

		result = result * power10[length] + digit;
	}
	for (int zeros = missing_zeros(number); zeros > 0 && result > 0; zeros--)
		result *= 10;
	return result;
}

static void
big_coefficient(const Number *number, Bignum *big)
{
	uint64 factor = 1;
	uint64 group = 0;

	for (int i = 0; i < number->ndigits; i++)
	{
		int length;
		int digit = cut_digit(number, i, &length);

		group = group * power10[length] + digit;
		factor *= power10[length];
		if (factor > UINT64CONST(1000000000000000))
		{
			bignum_append(big, factor, group);
			factor = 1;
			group = 0;
		}
	}
	bignum_append(big, factor, group);
	bignum_scale(big, Max(missing_zeros(number), 0));
}

static void
put_big_coefficient(EtfOut *out, const Number *number, bool negative)
{
	uint64 local[LOCAL_LIMBS];
	Bignum big = {(uint64_t *) local, 0};
	size_t limbs = bignum_limbs(coefficient_digits(number));
	char *p;

	if (limbs > LOCAL_LIMBS)
		big.limbs = palloc(limbs * sizeof(uint64_t));
	big_coefficient(number, &big);
	p = out_reserve(out, bignum_size(&big));
	out->buf->len += bignum_write(p, negative, &big) - p;
	if (limbs > LOCAL_LIMBS)
		pfree(big.limbs);
}

static void
put_coefficient(EtfOut *out, const Number *number, bool negative)
{
	uint64 small;

	if (!coefficient_is_small(number))
	{
		put_big_coefficient(out, number, negative);
		return;
	}
	small = small_coefficient(number);
	if (negative && small <= PG_INT64_MAX)
		etf_put_int(out, -(int64) small);
	else if (negative)
		put_big_coefficient(out, number, negative);
	else
		etf_put_uint(out, small);
}

static void
put_decimal(EtfOut *out, const Number *number)
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
put_special(EtfOut *out, const Number *number)
{
	if (number->nan)
		etf_put_float(out, NAN);
	else
		etf_put_infinity(out, number->negative);
}

static void
put_pair(EtfOut *out, const Number *number)
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

static char *
write_digit(char *p, int digit)
{
	*p++ = '0' + digit / 1000;
	*p++ = '0' + digit / 100 % 10;
	*p++ = '0' + digit / 10 % 10;
	*p++ = '0' + digit % 10;
	return p;
}

static Size
text_size(const Number *number)
{
	return 16 + 4 * (Size) Max(number->weight + 1, 0) + number->scale;
}

/* As numeric_out prints it; "text" has text_size bytes.  Returns its end. */
static char *
write_text(char *text, const Number *number)
{
	char *p = text;
	char *start;

	if (number->negative)
		*p++ = '-';
	start = p;
	for (int i = 0; i <= number->weight; i++)
		p = write_digit(p, digit_at(number, i));
	while (p - start > 1 && *start == '0')
		memmove(start, start + 1, --p - start);
	if (p == start)
		*p++ = '0';
	if (number->scale == 0)
		return p;

	*p++ = '.';
	start = p;
	for (int i = number->weight + 1; p - start < number->scale; i++)
		p = write_digit(p, digit_at(number, i));
	return start + number->scale;
}

static void
put_special_text(EtfOut *out, const Number *number)
{
	const char *text = number->nan		  ? "NaN"
					   : number->negative ? "-Infinity"
										  : "Infinity";

	etf_put_binary(out, text, strlen(text));
}

static void
put_text(EtfOut *out, const Number *number)
{
	char local[LOCAL_TEXT];
	Size size = text_size(number);
	char *text = size <= LOCAL_TEXT ? local : palloc(size);

	etf_put_binary(out, text, write_text(text, number) - text);
	if (text != local)
		pfree(text);
}

/* As strtod reads the text. */
static double
parse_text(const Number *number)
{
	char local[LOCAL_TEXT];
	Size size = text_size(number);
	char *text = size <= LOCAL_TEXT ? local : palloc(size);
	double result;

	*write_text(text, number) = '\0';
	result = strtod(text, NULL);
	if (text != local)
		pfree(text);
	return result;
}

/*
 * The nearest double.  A coefficient and a power of ten that a double holds
 * exactly give a quotient that is rounded once, like strtod's.
 */
static double
nearest_double(const Number *number)
{
	static const double power[] = {
		1e0,  1e1,	1e2,  1e3,	1e4,  1e5,	1e6,  1e7,	1e8,  1e9,	1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	Number shorter = *number;
	double result;

	/* Zeros that are only shown, as quotients have, need no long way. */
	shorter.scale =
		Min(number->scale, Max(number->ndigits - number->weight - 1, 0) * 4);
	if (shorter.scale >= (int) lengthof(power) ||
		coefficient_digits(&shorter) > DOUBLE_DIGITS)
		return parse_text(number);
	result = (double) small_coefficient(&shorter) / power[shorter.scale];
	return number->negative ? -result : result;
}

static void
put_float(EtfOut *out, const Number *number)
{
	double value;

	if (number->special)
	{
		put_special(out, number);
		return;
	}
	value = nearest_double(number);
	if (isinf(value)) /* no double is that large */
		put_text(out, number);
	else
		etf_put_float(out, value);
}

void
encode_numeric(EtfOut *out, const EtfType *type, Datum value)
{
	struct varlena *datum = PG_DETOAST_DATUM_PACKED(value);
	Number number = read_number(datum);

	switch ((EtfNumeric) out->options->numeric)
	{
		case NUMERIC_PAIR:
			put_pair(out, &number);
			break;
		case NUMERIC_TEXT:
			if (number.special)
				put_special_text(out, &number);
			else
				put_text(out, &number);
			break;
		case NUMERIC_FLOAT:
			put_float(out, &number);
			break;
		default:
			put_decimal(out, &number);
			break;
	}
}

void
json_put_numeric(EtfOut *out, Datum value)
{
	Number number = read_number((struct varlena *) DatumGetPointer(value));
	bool wants_float = out->options->json_numbers == JSON_NUMBERS_FLOAT;
	double nearest;

	if (number.scale == 0 && !number.special)
		put_coefficient(out, &number, number.negative);
	else if (wants_float && !number.special &&
			 isfinite(nearest = nearest_double(&number)))
		etf_put_float(out, nearest);
	else
		encode_numeric(out, NULL, value);
}

Size
numeric_text_size(Datum value)
{
	Number number = read_number((struct varlena *) DatumGetPointer(value));

	return text_size(&number);
}
