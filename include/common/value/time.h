/*
 * time.h
 *		Dates, times and intervals, as the server counts them.
 *
 * Days and microseconds count from 2000-01-01, times of day from midnight.
 * The smallest and the largest number of days, or of microseconds of a
 * timestamp, are -infinity and infinity.  "precision" is how many digits of the
 * microseconds count.
 */
#ifndef ETF_TIME_H
#define ETF_TIME_H

#include "common/term/write.h"
#include "common/value/calendar.h"

/* From a type modifier, that of the two timestamps and times, ... */
static inline int
time_precision(int32_t typmod)
{
	return typmod >= 0 && typmod <= PRECISION_MAX ? typmod : PRECISION_MAX;
}

/* ... and that of interval: in its low half, all ones for none. */
static inline int
interval_precision(int32_t typmod)
{
	return (typmod & 0xFFFF) <= PRECISION_MAX ? typmod & 0xFFFF : PRECISION_MAX;
}

extern void etf_put_date(TermOut *out, int32_t days);
extern void etf_put_time(TermOut *out, int64_t usecs, int precision);

/* The offset is in seconds west of UTC. */
extern void etf_put_timetz(TermOut *out, int64_t usecs, int32_t west,
						   int precision);
extern void etf_put_timestamp(TermOut *out, int64_t usecs, int precision,
							  bool utc);
extern void etf_put_interval(TermOut *out, int32_t months, int32_t days,
							 int64_t usecs, int precision);

#endif
