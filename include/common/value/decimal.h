/*
 * decimal.h
 *		Decimal numbers: their digits, and the forms that these take.
 *
 * A number is its coefficient times 10 ^ exponent.  The coefficient's digits
 * stand in groups of four, as a numeric has them on disk and on the wire,
 * where the last group may have some that do not count, or lack zeros.
 * Numbers of json are read into the same.
 *
 * The functions take numbers that are finite, but for etf_put_decimal and
 * etf_put_decimal_as.
 */
#ifndef ETF_DECIMAL_H
#define ETF_DECIMAL_H

#include "common/term/bignum.h"
#include "common/term/write.h"

typedef struct Decimal
{
	bool special; /* not finite: only "nan" and "negative" are set */
	bool nan;
	bool negative;
	int zeros;			/* to append to the groups; negative: digits to cut */
	int64_t exponent;	/* never above 0 in what decimal_from_groups() reads */
	int ngroups;		/* no leading group is 0 */
	const char *groups; /* uint16_t each, 0 to 9999; not aligned */
} Decimal;

/*
 * A numeric as it is stored: "weight" is the place of the first group, 0 for
 * the one before the point; "scale" counts the digits behind the point.
 */
extern Decimal decimal_from_groups(bool negative, int weight, int scale,
								   const char *groups, int ngroups);

/* The decimal digits of the coefficient. */
extern int decimal_length(const Decimal *number);

/* Does decimal_coefficient fit? */
static inline bool
decimal_is_small(const Decimal *number)
{
	return number->ngroups == 0 ||
		   decimal_length(number) <= BIGNUM_GROUP_DIGITS;
}

extern uint64_t decimal_coefficient(const Decimal *number);

/* The coefficient into "big", which has room for that many digits. */
extern void decimal_big_coefficient(const Decimal *number, Bignum *big);

/* As numeric_out prints it, without a NUL; returns its end. */
extern char *decimal_write_text(char *text, const Decimal *number);

/* No less than the bytes of the text, and a NUL. */
extern size_t decimal_text_size(const Decimal *number);

/*
 * Where a double holds both coefficient and power of ten exactly, their
 * product or quotient is rounded once, as strtod's.  False: it does not.
 */
extern bool decimal_exact_double(uint64_t coefficient, int64_t exponent,
								 double *value);

/* The nearest double, as strtod reads the text; infinite beyond all. */
extern double decimal_double(TermOut *out, const Decimal *number);

/* put_decimal.c: in the form that numerics have, or in that one. */
extern void etf_put_decimal(TermOut *out, const Decimal *number);
extern void etf_put_decimal_as(TermOut *out, const Decimal *number,
							   EtfNumeric form);

/* The coefficient alone, an integer of any size. */
extern void etf_put_coefficient(TermOut *out, const Decimal *number,
								bool negative);

#endif
