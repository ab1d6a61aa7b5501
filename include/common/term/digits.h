/*
 * digits.h
 *		Decimal digits of integers of any size that is found in practice.
 */
#ifndef ETF_DIGITS_H
#define ETF_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The largest magnitude.  PostgreSQL's numeric, of 131072 digits before the
 * point and 16383 after it, takes 61255 bytes.
 */
#define DIGITS_MAX_BYTES 65536

/* Nine digits each; 65536 bytes are 157827 digits. */
#define DIGITS_MAX_LIMBS 17537

typedef struct Digits
{
	size_t ndigits;
	size_t nlimbs;
	uint32_t limbs[DIGITS_MAX_LIMBS]; /* lowest first */
} Digits;

/*
 * Convert a magnitude, lowest byte first, without leading zeros; false if it
 * is larger than DIGITS_MAX_BYTES.  Zero has one digit.
 */
extern bool digits_init(Digits *digits, const uint8_t *bytes, size_t len);

/*
 * Copy the digits from "start" on, the first being number 0, as many as there
 * are and as fit; returns how many.
 */
extern size_t digits_copy(const Digits *digits, size_t start, char *text,
						  size_t size);

#endif
