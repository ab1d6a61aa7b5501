/*
 * bignum.c
 *		Integers of any size, from decimal digits to the external format.
 *
 * Multiplication by one limb at a time: the work grows with the square of the
 * digits, some 40 ms for the longest numeric there is.
 */
#include "common/term/bignum.h"

#define SMALL_BIG_EXT 'n'
#define LARGE_BIG_EXT 'o'

/* What one append can multiply by at most. */
#define MAX_GROUP UINT64_C(10000000000000000000)

__extension__ typedef unsigned __int128 uint128;

void
bignum_append(Bignum *big, uint64_t factor, uint64_t addend)
{
	uint64_t carry = addend;

	for (size_t i = 0; i < big->count; i++)
	{
		uint128 product = (uint128) big->limbs[i] * factor + carry;

		big->limbs[i] = (uint64_t) product;
		carry = (uint64_t) (product >> 64);
	}
	if (carry > 0)
		big->limbs[big->count++] = carry;
}

void
bignum_scale(Bignum *big, size_t power)
{
	uint64_t factor = 1;

	for (; power >= BIGNUM_GROUP_DIGITS; power -= BIGNUM_GROUP_DIGITS)
		bignum_append(big, MAX_GROUP, 0);
	for (; power > 0; power--)
		factor *= 10;
	bignum_append(big, factor, 0);
}

static size_t
magnitude_bytes(const Bignum *big)
{
	size_t bytes = big->count * sizeof(uint64_t);

	if (big->count > 0)
		bytes -= (size_t) __builtin_clzll(big->limbs[big->count - 1]) / 8;
	return bytes;
}

size_t
bignum_size(const Bignum *big)
{
	size_t bytes = magnitude_bytes(big);

	return bytes + (bytes <= UINT8_MAX ? 3 : 6);
}

static char *
write_header(char *p, bool negative, size_t bytes)
{
	if (bytes <= UINT8_MAX)
	{
		*p++ = SMALL_BIG_EXT;
		*p++ = (char) bytes;
	}
	else
	{
		*p++ = LARGE_BIG_EXT;
		for (int shift = 24; shift >= 0; shift -= 8)
			*p++ = (char) (bytes >> shift);
	}
	*p++ = negative;
	return p;
}

char *
bignum_write(char *p, bool negative, const Bignum *big)
{
	size_t bytes = magnitude_bytes(big);

	p = write_header(p, negative, bytes);
	for (size_t i = 0; i < bytes; i++)
		*p++ = (char) (big->limbs[i / 8] >> (i % 8 * 8));
	return p;
}
