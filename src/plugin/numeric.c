/*
 * numeric.c
 *		What a stored numeric holds.
 *
 * Digits are appended group by group, the last one cut where the scale ends.
 */
#include "postgres.h"

#include "compat.h"
#include "plugin/numeric.h"

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

/* Decimal digits that a double surely holds exactly. */
#define DOUBLE_DIGITS 15

/* Text of ordinary numbers needs no palloc. */
#define LOCAL_TEXT 256

static const uint64 power10[] = {1, 10, 100, 1000, 10000};

static inline int
digit_at(const EtfNumber *number, int i)
{
	uint16 digit;

	if (i < 0 || i >= number->ndigits)
		return 0;
	memcpy(&digit, number->digits + i * sizeof(digit), sizeof(digit));
	return digit;
}

/* How many zeros to append to the digits; negative: how many to cut off. */
static inline int
missing_zeros(const EtfNumber *number)
{
	return (number->weight + 1 - number->ndigits) * 4 + number->scale;
}

EtfNumber
etf_number_read(const struct varlena *datum)
{
	const char *p = VARDATA_ANY(datum);
	const char *end = p + VARSIZE_ANY_EXHDR(datum);
	EtfNumber number = {0};
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

int
etf_number_digits(const EtfNumber *number)
{
	int first = digit_at(number, 0);
	int length = first < 10 ? 1 : first < 100 ? 2 : first < 1000 ? 3 : 4;

	return length + (number->ndigits - 1) * 4 + missing_zeros(number);
}

/* The digit "i" without what the scale cuts off, and how long that is. */
static inline int
cut_digit(const EtfNumber *number, int i, int *length)
{
	int zeros = i == number->ndigits - 1 ? missing_zeros(number) : 0;

	*length = 4;
	if (zeros >= 0)
		return digit_at(number, i);
	*length += zeros;
	return digit_at(number, i) / (int) power10[-zeros];
}

uint64
etf_number_coefficient(const EtfNumber *number)
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

void
etf_number_big_coefficient(const EtfNumber *number, Bignum *big)
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

static char *
write_digit(char *p, int digit)
{
	*p++ = '0' + digit / 1000;
	*p++ = '0' + digit / 100 % 10;
	*p++ = '0' + digit / 10 % 10;
	*p++ = '0' + digit % 10;
	return p;
}

Size
etf_number_text_size(const EtfNumber *number)
{
	return 16 + 4 * (Size) Max(number->weight + 1, 0) + number->scale;
}

char *
etf_number_write_text(char *text, const EtfNumber *number)
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

/* As strtod reads the text. */
static double
parse_text(const EtfNumber *number)
{
	char local[LOCAL_TEXT];
	Size size = etf_number_text_size(number);
	char *text = size <= LOCAL_TEXT ? local : palloc(size);
	double result;

	*etf_number_write_text(text, number) = '\0';
	result = strtod(text, NULL);
	if (text != local)
		pfree(text);
	return result;
}

/*
 * A coefficient and a power of ten that a double holds
 * exactly give a quotient that is rounded once, like strtod's.
 */
double
etf_number_double(const EtfNumber *number)
{
	static const double power[] = {
		1e0,  1e1,	1e2,  1e3,	1e4,  1e5,	1e6,  1e7,	1e8,  1e9,	1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	EtfNumber shorter = *number;
	double result;

	/* Zeros that are only shown, as quotients have, need no long way. */
	shorter.scale =
		Min(number->scale, Max(number->ndigits - number->weight - 1, 0) * 4);
	if (shorter.scale >= (int) lengthof(power) ||
		etf_number_digits(&shorter) > DOUBLE_DIGITS)
		return parse_text(number);
	result = (double) etf_number_coefficient(&shorter) / power[shorter.scale];
	return number->negative ? -result : result;
}
