/*
 * bignum.h
 *		Integers of any size, from decimal digits to the external format.
 *
 *		Bignum big = {limbs, 0};	-- room for bignum_limbs(digits)
 *
 *		for each group of digits: bignum_append(&big, 10 ^ its length, group);
 *		p = bignum_write(p, negative, &big);	-- bignum_size(&big) bytes
 *
 * The caller owns all memory; nothing is allocated.
 */
#ifndef ETF_BIGNUM_H
#define ETF_BIGNUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest power of ten that fits a limb. */
#define BIGNUM_GROUP_DIGITS 19

/* A magnitude: lowest limb first, the highest one never 0. */
typedef struct Bignum
{
	uint64_t *limbs;
	size_t count;
} Bignum;

/* The limbs that a number of this many decimal digits may need. */
static inline size_t
bignum_limbs(size_t digits)
{
	return digits / BIGNUM_GROUP_DIGITS + 1;
}

/* Multiply by "factor", then add "addend". */
extern void bignum_append(Bignum *big, uint64_t factor, uint64_t addend);

/* Multiply by ten to this power. */
extern void bignum_scale(Bignum *big, size_t power);

/* Bytes of the term. */
extern size_t bignum_size(const Bignum *big);

/* Write the term; returns its end. */
extern char *bignum_write(char *p, bool negative, const Bignum *big);

#endif
