/*
 * range.h
 *		Ranges and multiranges: all but their bounds.
 *
 * A bound is a value of another type, which the caller writes where it is
 * asked for:
 *
 *		if (etf_put_range_begin(out, flags))
 *			write the lower bound;
 *		if (etf_put_range_upper(out, flags))
 *			write the upper bound;
 *		etf_put_range_end(out, flags);
 */
#ifndef ETF_RANGE_H
#define ETF_RANGE_H

#include "common/term/write.h"

/* As the server's wire has them. */
#define RANGE_IS_EMPTY 0x01
#define RANGE_LOWER_INCLUSIVE 0x02
#define RANGE_UPPER_INCLUSIVE 0x04
#define RANGE_LOWER_UNBOUND 0x08
#define RANGE_UPPER_UNBOUND 0x10

extern bool etf_put_range_begin(TermOut *out, unsigned flags);
extern bool etf_put_range_upper(TermOut *out, unsigned flags);
extern void etf_put_range_end(TermOut *out, unsigned flags);

/* This many ranges follow, then etf_put_list_end(). */
extern void etf_put_multirange(TermOut *out, uint32_t count);

#endif
