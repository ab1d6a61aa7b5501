/*
 * text_time.c
 *		Dates and times from their text, which is ISO and in UTC.
 */
#include "client/wire/text.h"
#include "common/value/time.h"

#define YEAR_MAX 9999999

/* Whose microseconds since 2000 fit 64 bits. */
#define TIMESTAMP_DAYS_MAX INT64_C(106751990)

#define TIME_HOURS_MAX 24
#define ZONE_HOURS_MAX 15
#define SIXTIETHS_MAX 59

/* A decimal point and up to six digits, or nothing. */
static int64_t
take_fraction(WireReader *in)
{
	int64_t usecs = 0;
	int64_t place = SECOND_USECS;

	if (!text_skip(in, '.'))
		return 0;
	for (int c; place > 1 && (c = text_peek(in)) >= '0' && c <= '9';)
	{
		place /= 10;
		usecs += place * text_digit(in);
	}
	return usecs;
}

/* 12:34:56.789 */
uint64_t
text_clock(WireReader *in, uint64_t max_hours)
{
	uint64_t usecs = text_uint(in, max_hours) * HOUR_USECS;

	text_expect(in, ':');
	usecs += text_uint(in, SIXTIETHS_MAX) * MINUTE_USECS;
	text_expect(in, ':');
	usecs += text_uint(in, SIXTIETHS_MAX) * SECOND_USECS;
	return usecs + (uint64_t) take_fraction(in);
}

/* +05:45 or -15:59:59, in seconds east of UTC. */
static int32_t
take_zone(WireReader *in)
{
	bool west = text_skip(in, '-');
	int32_t seconds;

	if (!west)
		text_expect(in, '+');
	seconds = (int32_t) text_uint(in, ZONE_HOURS_MAX) * 3600;
	if (text_skip(in, ':'))
		seconds += (int32_t) text_uint(in, SIXTIETHS_MAX) * 60;
	if (text_skip(in, ':'))
		seconds += (int32_t) text_uint(in, SIXTIETHS_MAX);
	return west ? -seconds : seconds;
}

static CalendarDate
take_date(WireReader *in)
{
	CalendarDate date = {.year = (int) text_uint(in, YEAR_MAX)};

	text_expect(in, '-');
	date.month = (int) text_uint(in, 12);
	text_expect(in, '-');
	date.day = (int) text_uint(in, 31);
	return date;
}

/* Behind it all stands what kind of year it was. */
static int64_t
take_era(WireReader *in, CalendarDate date)
{
	if (text_skip_word(in, " BC"))
		date.year = 1 - date.year;
	return calendar_days(date);
}

static bool
is_infinite(WireReader *in, bool *negative)
{
	*negative = text_skip(in, '-');
	return text_skip_word(in, "infinity");
}

void
text_date(WireReader *in)
{
	bool negative;

	if (is_infinite(in, &negative))
		wire_put_date(in, negative ? INT32_MIN : INT32_MAX);
	else
	{
		CalendarDate date = take_date(in);

		wire_put_date(in, take_era(in, date));
	}
}

void
text_time(WireReader *in)
{
	wire_put_time(in, (int64_t) text_clock(in, TIME_HOURS_MAX));
}

void
text_timetz(WireReader *in)
{
	int64_t usecs = (int64_t) text_clock(in, TIME_HOURS_MAX);

	wire_put_timetz(in, usecs, -take_zone(in));
}

static void
put_timestamp(WireReader *in, bool utc)
{
	CalendarDate date = take_date(in);
	int64_t usecs;
	int64_t days;

	text_expect(in, ' ');
	usecs = (int64_t) text_clock(in, TIME_HOURS_MAX);
	if (utc)
		usecs -= take_zone(in) * SECOND_USECS;
	days = take_era(in, date);
	if (days < -TIMESTAMP_DAYS_MAX || days > TIMESTAMP_DAYS_MAX)
		wire_fail(in);
	else
		wire_put_timestamp(in, days * DAY_USECS + usecs, utc);
}

static void
timestamp(WireReader *in, bool utc)
{
	bool negative;

	if (is_infinite(in, &negative))
		wire_put_timestamp(in, negative ? INT64_MIN : INT64_MAX, utc);
	else
		put_timestamp(in, utc);
}

void
text_timestamp(WireReader *in)
{
	timestamp(in, false);
}

void
text_timestamptz(WireReader *in)
{
	timestamp(in, true);
}
