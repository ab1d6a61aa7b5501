/*
 * put_number.c
 *		Numbers that are neither integers, single floats nor decimals.
 */
#include "common/value/number.h"

#include <inttypes.h>
#include <stdio.h>

void
etf_put_tid(TermOut *out, uint32_t block, uint16_t offset)
{
	etf_put_tuple(out, 2);
	etf_put_int(out, block);
	etf_put_int(out, offset);
}

void
etf_put_money(TermOut *out, int64_t cents)
{
	uint64_t magnitude = cents < 0 ? -(uint64_t) cents : (uint64_t) cents;
	char text[32];
	int len =
		snprintf(text, sizeof(text), "%s%" PRIu64 ".%02d", cents < 0 ? "-" : "",
				 magnitude / 100, (int) (magnitude % 100));

	etf_put_binary(out, text, (size_t) len);
}

void
etf_put_floats(TermOut *out, const float *values, uint32_t n)
{
	etf_put_list(out, n);
	for (uint32_t i = 0; i < n; i++)
		etf_put_float(out, values[i]);
	etf_put_list_end(out);
}
