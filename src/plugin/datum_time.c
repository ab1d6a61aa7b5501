/*
 * datum_time.c
 *		Dates, times and intervals.
 */
#include "postgres.h"

#include "utils/date.h"
#include "utils/timestamp.h"

#include "common/value/time.h"
#include "compat/values.h"
#include "plugin/datum.h"

void
encode_date(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_date(out, DatumGetDateADT(value));
}

void
encode_time(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_time(out, DatumGetTimeADT(value), time_precision(type->typmod));
}

void
encode_timetz(TermOut *out, const EtfType *type, Datum value)
{
	const TimeTzADT *timetz = DatumGetTimeTzADTP(value);

	etf_put_timetz(out, timetz->time, timetz->zone,
				   time_precision(type->typmod));
}

void
encode_timestamp(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_timestamp(out, DatumGetTimestamp(value),
					  time_precision(type->typmod), false);
}

void
encode_timestamptz(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_timestamp(out, DatumGetTimestampTz(value),
					  time_precision(type->typmod), true);
}

void
encode_interval(TermOut *out, const EtfType *type, Datum value)
{
	const Interval *interval = DatumGetIntervalP(value);

	if (interval_is_infinite(interval))
		etf_put_infinity(out, interval->time < 0);
	else
		etf_put_interval(out, interval->month, interval->day, interval->time,
						 interval_precision(type->typmod));
}
