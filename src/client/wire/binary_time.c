/*
 * binary_time.c
 *		Dates, times and intervals in binary.
 */
#include "client/wire/binary.h"
#include "common/value/time.h"

void
binary_date(WireReader *in)
{
	wire_put_date(in, binary_int32(in));
}

void
binary_time(WireReader *in)
{
	wire_put_time(in, binary_int64(in));
}

void
binary_timetz(WireReader *in)
{
	int64_t usecs = binary_int64(in);

	wire_put_timetz(in, usecs, binary_int32(in));
}

void
binary_timestamp(WireReader *in)
{
	wire_put_timestamp(in, binary_int64(in), false);
}

void
binary_timestamptz(WireReader *in)
{
	wire_put_timestamp(in, binary_int64(in), true);
}

/*
 * The largest and the smallest interval are infinite, as since PostgreSQL 17;
 * what they were before no clock has counted.
 */
void
binary_interval(WireReader *in)
{
	int64_t usecs = binary_int64(in);
	int32_t days = binary_int32(in);
	int32_t months = binary_int32(in);

	if (usecs == INT64_MIN && days == INT32_MIN && months == INT32_MIN)
		etf_put_infinity(in->out, true);
	else if (usecs == INT64_MAX && days == INT32_MAX && months == INT32_MAX)
		etf_put_infinity(in->out, false);
	else
		etf_put_interval(in->out, months, days, usecs,
						 interval_precision(in->typmod));
}
