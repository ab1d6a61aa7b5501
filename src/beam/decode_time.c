/*
 * decode_time.c
 *		Dates, times and intervals from Elixir's structs.
 *
 * Calendar arithmetic on the numbers themselves: no setting of the session has
 * a part in it.  Years are astronomical on both sides.  Text goes through the
 * input function, and so by DateStyle and TimeZone.
 */
#include "postgres.h"

#include "common/int.h"
#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "beam/decoders.h"

/* Seconds; the largest offset that a timetz can have is below 16 hours. */
#define MAX_OFFSET (16 * SECS_PER_HOUR - 1)

/* What all of these types take beside their structs. */
typedef enum Common
{
	COMMON_NONE,
	COMMON_TEXT,
	COMMON_POSITIVE, /* :inf */
	COMMON_NEGATIVE	 /* :"-inf" */
} Common;

static Common
common_form(const Term *term)
{
	if (term->kind == TERM_BINARY)
		return COMMON_TEXT;
	if (term->kind != TERM_ATOM)
		return COMMON_NONE;
	if (term_is_atom(term, "inf"))
		return COMMON_POSITIVE;
	return term_is_atom(term, "-inf") ? COMMON_NEGATIVE : COMMON_NONE;
}

static Datum
decode_common(Decoding *in, const DecodeType *type, const Term *term)
{
	switch (common_form(term))
	{
		case COMMON_TEXT:
			return decode_input(type, decode_text_of(term));
		case COMMON_POSITIVE:
			return decode_input(type, "infinity");
		case COMMON_NEGATIVE:
			return decode_input(type, "-infinity");
		default:
			decode_mismatch(in, type, term);
	}
}

/* Is there such a day? */
static bool
read_date(const Decoding *in, const StructReader *fields, int first,
		  struct pg_tm *tm)
{
	int64 year;
	int64 month;
	int64 day;

	if (!struct_int(in, fields, first, -9999, 5874897, &year) ||
		!struct_int(in, fields, first + 1, 1, MONTHS_PER_YEAR, &month) ||
		!struct_int(in, fields, first + 2, 1, 31, &day))
		return false;
	tm->tm_year = (int) year;
	tm->tm_mon = (int) month;
	tm->tm_mday = (int) day;
	return day <= day_tab[isleap(year)][month - 1];
}

static bool
read_time(const Decoding *in, const StructReader *fields, int first,
		  struct pg_tm *tm, fsec_t *usec)
{
	int64 hour;
	int64 minute;
	int64 second;
	int64 fraction;

	if (!struct_int(in, fields, first, 0, HOURS_PER_DAY, &hour) ||
		!struct_int(in, fields, first + 1, 0, 59, &minute) ||
		!struct_int(in, fields, first + 2, 0, 59, &second) ||
		!struct_microsecond(in, fields, first + 3, &fraction) || fraction < 0)
		return false;
	tm->tm_hour = (int) hour;
	tm->tm_min = (int) minute;
	tm->tm_sec = (int) second;
	*usec = (fsec_t) fraction;
	return hour < HOURS_PER_DAY || (minute == 0 && second == 0 && *usec == 0);
}

Datum
decode_date(Decoding *in, const DecodeType *type, const Term *term)
{
	static const char *const names[] = {"year", "month", "day", NULL};
	StructReader fields;
	struct pg_tm tm;
	DateADT date;

	if (!struct_begin(in, term, "Elixir.Date", names, &fields))
		return decode_common(in, type, term);
	if (!read_date(in, &fields, 0, &tm))
		decode_mismatch(in, type, term);
	if (!IS_VALID_JULIAN(tm.tm_year, tm.tm_mon, tm.tm_mday))
		decode_out_of_range(in, type, term);
	date = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
	if (!IS_VALID_DATE(date))
		decode_out_of_range(in, type, term);
	return DateADTGetDatum(date);
}

/* False: it is no %Time{}. */
static bool
time_struct(Decoding *in, const DecodeType *type, const Term *term,
			TimeADT *time)
{
	static const char *const names[] = {"hour", "minute", "second",
										"microsecond", NULL};
	StructReader fields;
	struct pg_tm tm;
	fsec_t usec;

	if (!struct_begin(in, term, "Elixir.Time", names, &fields))
		return false;
	if (!read_time(in, &fields, 0, &tm, &usec))
		decode_mismatch(in, type, term);
	tm2time(&tm, usec, time);
	return true;
}

Datum
decode_time(Decoding *in, const DecodeType *type, const Term *term)
{
	TimeADT time;

	if (!time_struct(in, type, term, &time))
		return decode_common(in, type, term);
	return TimeADTGetDatum(time);
}

/* {Time, Offset}: the offset counts to the east, PostgreSQL's to the west. */
static TimeTzADT *
time_and_offset(Decoding *in, const DecodeType *type, const Term *term)
{
	TimeTzADT *timetz = palloc(sizeof(TimeTzADT));
	Term time;
	Term offset;

	if (term->kind != TERM_TUPLE || term->count != 2)
		decode_mismatch(in, type, term);
	decode_next(in, &time);
	if (!time_struct(in, type, &time, &timetz->time))
		decode_mismatch(in, type, term);
	decode_next(in, &offset);
	if (offset.kind != TERM_INTEGER || offset.integer < -MAX_OFFSET ||
		offset.integer > MAX_OFFSET)
		decode_mismatch(in, type, term);
	timetz->zone = (int32) -offset.integer;
	return timetz;
}

/* A time alone is in UTC. */
Datum
decode_timetz(Decoding *in, const DecodeType *type, const Term *term)
{
	TimeTzADT *timetz;

	if (common_form(term) != COMMON_NONE)
		return decode_common(in, type, term);
	if (term->kind == TERM_TUPLE)
		return TimeTzADTPGetDatum(time_and_offset(in, type, term));
	timetz = palloc0(sizeof(TimeTzADT));
	if (!time_struct(in, type, term, &timetz->time))
		decode_mismatch(in, type, term);
	return TimeTzADTPGetDatum(timetz);
}

static const char *const datetime_names[] = {
	"year",	  "month",		 "day",		   "hour",		 "minute",
	"second", "microsecond", "utc_offset", "std_offset", NULL};

static const char *const naive_names[] = {
	"year", "month", "day", "hour", "minute", "second", "microsecond", NULL};

static Timestamp
read_timestamp(Decoding *in, const DecodeType *type, const Term *term,
			   const StructReader *fields)
{
	struct pg_tm tm;
	fsec_t usec;
	Timestamp timestamp;

	if (!read_date(in, fields, 0, &tm) || !read_time(in, fields, 3, &tm, &usec))
		decode_mismatch(in, type, term);
	if (tm2timestamp(&tm, usec, NULL, &timestamp) != 0)
		decode_out_of_range(in, type, term);
	return timestamp;
}

Datum
decode_timestamp(Decoding *in, const DecodeType *type, const Term *term)
{
	StructReader fields;

	if (!struct_begin(in, term, "Elixir.NaiveDateTime", naive_names, &fields))
		return decode_common(in, type, term);
	return TimestampGetDatum(read_timestamp(in, type, term, &fields));
}

/* What the clock of its zone shows, less what this zone is ahead of UTC. */
Datum
decode_timestamptz(Decoding *in, const DecodeType *type, const Term *term)
{
	StructReader fields;
	Timestamp local;
	int64 utc_offset;
	int64 std_offset;
	TimestampTz result;

	if (!struct_begin(in, term, "Elixir.DateTime", datetime_names, &fields))
		return decode_common(in, type, term);
	local = read_timestamp(in, type, term, &fields);
	if (!struct_int(in, &fields, 7, -SECS_PER_DAY, SECS_PER_DAY, &utc_offset) ||
		!struct_int(in, &fields, 8, -SECS_PER_DAY, SECS_PER_DAY, &std_offset))
		decode_mismatch(in, type, term);
	result = local - (utc_offset + std_offset) * USECS_PER_SEC;
	if (!IS_VALID_TIMESTAMP(result))
		decode_out_of_range(in, type, term);
	return TimestampTzGetDatum(result);
}

static bool
postgrex_interval(Decoding *in, const Term *term, Interval *span, bool *fits)
{
	static const char *const names[] = {"months", "days", "secs", "microsecs",
										NULL};
	StructReader fields;
	int64 months;
	int64 days;
	int64 secs;
	int64 usecs;

	if (!struct_begin(in, term, "Elixir.Postgrex.Interval", names, &fields))
		return false;
	*fits = struct_int(in, &fields, 0, PG_INT32_MIN, PG_INT32_MAX, &months) &&
			struct_int(in, &fields, 1, PG_INT32_MIN, PG_INT32_MAX, &days) &&
			struct_int(in, &fields, 2, PG_INT64_MIN, PG_INT64_MAX, &secs) &&
			struct_int(in, &fields, 3, PG_INT64_MIN, PG_INT64_MAX, &usecs) &&
			!pg_mul_s64_overflow(secs, USECS_PER_SEC, &span->time) &&
			!pg_add_s64_overflow(span->time, usecs, &span->time);
	span->month = (int32) months;
	span->day = (int32) days;
	return true;
}

/* sum += value * unit */
static bool
add(int64 value, int64 unit, int64 *sum)
{
	int64 product;

	return !pg_mul_s64_overflow(value, unit, &product) &&
		   !pg_add_s64_overflow(*sum, product, sum);
}

static bool
duration(Decoding *in, const Term *term, Interval *span, bool *fits)
{
	static const char *const names[] = {"year",	  "month",		 "week",
										"day",	  "hour",		 "minute",
										"second", "microsecond", NULL};
	static const int64 units[] = {MONTHS_PER_YEAR,
								  1,
								  7,
								  1,
								  SECS_PER_HOUR * USECS_PER_SEC,
								  SECS_PER_MINUTE * USECS_PER_SEC,
								  USECS_PER_SEC};
	StructReader fields;
	int64 sums[3] = {0, 0, 0};
	int64 value;

	if (!struct_begin(in, term, "Elixir.Duration", names, &fields))
		return false;
	*fits = true;
	for (int i = 0; i < (int) lengthof(units); i++)
		*fits &=
			struct_int(in, &fields, i, PG_INT64_MIN, PG_INT64_MAX, &value) &&
			add(value, units[i], &sums[Min(i / 2, 2)]);
	*fits &= struct_microsecond(in, &fields, 7, &value) &&
			 add(value, 1, &sums[2]) && sums[0] == (int32) sums[0] &&
			 sums[1] == (int32) sums[1];
	span->month = (int32) sums[0];
	span->day = (int32) sums[1];
	span->time = sums[2];
	return true;
}

Datum
decode_interval(Decoding *in, const DecodeType *type, const Term *term)
{
	Interval *span = palloc0(sizeof(Interval));
	bool fits;

	if (!postgrex_interval(in, term, span, &fits) &&
		!duration(in, term, span, &fits))
		return decode_common(in, type, term);
	if (!fits)
		decode_out_of_range(in, type, term);
	return IntervalPGetDatum(span);
}
