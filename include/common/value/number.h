/*
 * number.h
 *		Numbers that are neither integers, single floats nor decimals.
 */
#ifndef ETF_NUMBER_H
#define ETF_NUMBER_H

#include "common/term/write.h"

/* {Block, Offset} */
extern void etf_put_tid(TermOut *out, uint32_t block, uint16_t offset);

/*
 * As a plain decimal number with two digits after the point, whatever
 * lc_monetary says: the stored value does not tell its currency either.
 */
extern void etf_put_money(TermOut *out, int64_t cents);

/* A list of them. */
extern void etf_put_floats(TermOut *out, const float *values, uint32_t n);

#endif
