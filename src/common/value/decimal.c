/*
 * decimal.c
 *		Decimal numbers: coefficient, text and double.
 *
 * Groups are appended one by one, the last one cut where the digits end.
 */
#include "common/value/decimal.h"

#include <stdlib.h>

/* Text of ordinary numbers needs no scratch memory. */
#define LOCAL_TEXT 256

/* Doubles hold every integer up to here. */
#define EXACT_INTEGERS (INT64_C(1) << 53)

static const uint64_t power10[] = {1, 10, 100, 1000, 10000};

static inline int
group_at(const Decimal *number, int i)
{
	uint16_t group;

	if (i < 0 || i >= number->ngroups)
		return 0;
	memcpy(&group, number->groups + (size_t) i * sizeof(group), sizeof(group));
	return group;
}

Decimal
decimal_from_groups(bool negative, int weight, int scale, const char *groups,
					int ngroups)
{
	Decimal number = {.negative = negative,
					  .zeros = (weight + 1 - ngroups) * 4 + scale,
					  .exponent = -scale,
					  .ngroups = ngroups,
					  .groups = groups};

	while (number.ngroups > 0 && number.zeros <= -4)
	{
		number.ngroups--; /* nothing of it would be shown */
		number.zeros += 4;
	}
	return number;
}

int
decimal_length(const Decimal *number)
{
	int first = group_at(number, 0);
	int length = first < 10 ? 1 : first < 100 ? 2 : first < 1000 ? 3 : 4;

	return length + (number->ngroups - 1) * 4 + number->zeros;
}

/* The group "i" without what is cut off, and how long that is. */
static inline int
cut_group(const Decimal *number, int i, int *length)
{
	int zeros = i == number->ngroups - 1 ? number->zeros : 0;

	*length = 4;
	if (zeros >= 0)
		return group_at(number, i);
	*length += zeros;
	return group_at(number, i) / (int) power10[-zeros];
}

uint64_t
decimal_coefficient(const Decimal *number)
{
	uint64_t result = 0;

	for (int i = 0; i < number->ngroups; i++)
	{
		int length;
		int group = cut_group(number, i, &length);

		result = result * power10[length] + (uint64_t) group;
	}
	for (int zeros = number->zeros; zeros > 0 && result > 0; zeros--)
		result *= 10;
	return result;
}

void
decimal_big_coefficient(const Decimal *number, Bignum *big)
{
	uint64_t factor = 1;
	uint64_t part = 0;

	for (int i = 0; i < number->ngroups; i++)
	{
		int length;
		int group = cut_group(number, i, &length);

		part = part * power10[length] + (uint64_t) group;
		factor *= power10[length];
		if (factor > UINT64_C(1000000000000000))
		{
			bignum_append(big, factor, part);
			factor = 1;
			part = 0;
		}
	}
	bignum_append(big, factor, part);
	bignum_scale(big, number->zeros > 0 ? (size_t) number->zeros : 0);
}

static char *
write_group(char *p, int group)
{
	*p++ = (char) ('0' + group / 1000);
	*p++ = (char) ('0' + group / 100 % 10);
	*p++ = (char) ('0' + group / 10 % 10);
	*p++ = (char) ('0' + group % 10);
	return p;
}

/* The place of the first group; 0: right before the point. */
static inline int
weight_of(const Decimal *number)
{
	return number->ngroups - 1 + (number->zeros + (int) number->exponent) / 4;
}

size_t
decimal_text_size(const Decimal *number)
{
	int weight = weight_of(number);

	return 16 + 4 * (size_t) (weight < 0 ? 0 : weight + 1) +
		   (size_t) -number->exponent;
}

char *
decimal_write_text(char *text, const Decimal *number)
{
	int weight = weight_of(number);
	ptrdiff_t scale = (ptrdiff_t) -number->exponent;
	char *p = text;
	char *start;

	if (number->negative)
		*p++ = '-';
	start = p;
	for (int i = 0; i <= weight; i++)
		p = write_group(p, group_at(number, i));
	while (p - start > 1 && *start == '0')
		memmove(start, start + 1, (size_t) (--p - start));
	if (p == start)
		*p++ = '0';
	if (scale == 0)
		return p;

	*p++ = '.';
	start = p;
	for (int i = weight + 1; p - start < scale; i++)
		p = write_group(p, group_at(number, i));
	return start + scale;
}

bool
decimal_exact_double(uint64_t coefficient, int64_t exponent, double *value)
{
	static const double power[] = {
		1e0,  1e1,	1e2,  1e3,	1e4,  1e5,	1e6,  1e7,	1e8,  1e9,	1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	const int64_t limit = sizeof(power) / sizeof(power[0]);

	if (coefficient > EXACT_INTEGERS || exponent <= -limit || exponent >= limit)
		return false;
	*value = (double) (int64_t) coefficient;
	if (exponent < 0)
		*value /= power[-exponent];
	else
		*value *= power[exponent];
	return true;
}

/* As strtod reads the text. */
static double
parse_text(TermOut *out, const Decimal *number)
{
	char local[LOCAL_TEXT];
	size_t size = decimal_text_size(number);
	char *text = size <= LOCAL_TEXT ? local : out->host->scratch(NULL, size);
	double result;

	*decimal_write_text(text, number) = '\0';
	result = strtod(text, NULL);
	if (text != local)
		out_scratch_free(out, text);
	return result;
}

double
decimal_double(TermOut *out, const Decimal *number)
{
	Decimal shorter = *number;
	double result;

	/* Zeros that are only shown, as quotients have, need no long way. */
	if (number->zeros > 0)
	{
		shorter.exponent = number->zeros < -number->exponent
							   ? number->exponent + number->zeros
							   : 0;
		shorter.zeros -= (int) (shorter.exponent - number->exponent);
	}
	if (!decimal_is_small(&shorter) ||
		!decimal_exact_double(decimal_coefficient(&shorter), shorter.exponent,
							  &result))
		return parse_text(out, number);
	return number->negative ? -result : result;
}
