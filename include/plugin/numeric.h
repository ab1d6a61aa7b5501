/*
 * numeric.h
 *		What a stored numeric holds.
 *
 * The layout is private to the server's numeric.c, but as it is on every disk
 * pg_upgrade keeps it as it has been since 9.1: a header of one or two words,
 * then digits of base 10000, without leading or trailing zeros.
 *
 * The coefficient is the value times 10 ^ scale, without its sign.  Only
 * etf_number_read takes numbers that are not finite.
 */
#ifndef ETF_NUMERIC_H
#define ETF_NUMERIC_H

#include "common/bignum.h"

typedef struct EtfNumber
{
	bool special; /* not finite: only "nan" and "negative" are set */
	bool nan;
	bool negative;
	int scale;	/* decimal digits after the point */
	int weight; /* digits before the point, less one; may be negative */
	int ndigits;
	const char *digits; /* uint16 each, not aligned; in the datum */
} EtfNumber;

/* From a datum that is detoasted, its header of any size. */
extern EtfNumber etf_number_read(const struct varlena *datum);

/* The decimal digits of the coefficient. */
extern int etf_number_digits(const EtfNumber *number);

/* Does etf_number_coefficient fit? */
static inline bool
etf_number_is_small(const EtfNumber *number)
{
	return number->ndigits == 0 ||
		   etf_number_digits(number) <= BIGNUM_GROUP_DIGITS;
}

extern uint64 etf_number_coefficient(const EtfNumber *number);

/* The coefficient into "big", which has room for that many digits. */
extern void etf_number_big_coefficient(const EtfNumber *number, Bignum *big);

/* As numeric_out prints it, without a NUL; returns its end. */
extern char *etf_number_write_text(char *text, const EtfNumber *number);

/* No less than the bytes of the text, and a NUL. */
extern Size etf_number_text_size(const EtfNumber *number);

/* The nearest double, as strtod reads the text; infinite beyond all. */
extern double etf_number_double(const EtfNumber *number);

#endif
