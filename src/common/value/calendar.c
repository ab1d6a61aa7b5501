/*
 * calendar.c
 *		Days and microseconds in parts, and as ISO 8601.
 */
#include "common/value/calendar.h"

#include <stdlib.h>

/*
 * Days are counted from the first of March of the year -8000, before any date
 * there is: so leap days come last in a year, and in a century.
 */
#define YEARS_BEFORE 8000
#define DAYS_BEFORE 3652365

/* Days of four centuries, of four years, and of five months from March on. */
#define CENTURIES_DAYS 146097
#define YEARS_DAYS 1461
#define MONTHS_DAYS 153

CalendarDate
calendar_date(int32_t days_since_2000)
{
	uint64_t day = (uint64_t) ((int64_t) days_since_2000 + DAYS_BEFORE);
	uint64_t quarters = day * 4 + 3;
	uint32_t century = (uint32_t) (quarters / CENTURIES_DAYS);
	uint32_t in_century = (uint32_t) (quarters % CENTURIES_DAYS) / 4 * 4 + 3;
	uint32_t year = in_century / YEARS_DAYS;
	uint32_t fifths = in_century % YEARS_DAYS / 4 * 5 + 2;
	uint32_t month = fifths / MONTHS_DAYS;
	CalendarDate date = {(int) (century * 100 + year) - YEARS_BEFORE,
						 (int) month + 3, (int) (fifths % MONTHS_DAYS / 5) + 1};

	if (month >= 10)
	{
		date.year++;
		date.month -= 12;
	}
	return date;
}

int64_t
calendar_days(CalendarDate date)
{
	int64_t month = (date.month + 9) % 12;
	int64_t year = (int64_t) date.year + YEARS_BEFORE - (month >= 10);

	return year * 365 + year / 4 - year / 100 + year / 400 +
		   (month * MONTHS_DAYS + 2) / 5 + date.day - 1 - DAYS_BEFORE;
}

ClockTime
clock_time(int64_t usecs)
{
	int seconds = (int) (usecs / SECOND_USECS);
	ClockTime time = {.usec = (int) (usecs - seconds * SECOND_USECS),
					  .hour = seconds / 3600};

	seconds -= time.hour * 3600;
	time.minute = seconds / 60;
	time.second = seconds - time.minute * 60;
	return time;
}

/* "value" in exactly this many digits. */
static inline char *
write_digits(char *p, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--)
	{
		p[i] = (char) ('0' + value % 10);
		value /= 10;
	}
	return p + digits;
}

/* At least four digits of year, as Elixir's to_iso8601 prints. */
char *
iso_write_date(char *p, CalendarDate date)
{
	int year = abs(date.year);
	int digits = 4;

	for (int rest = year / 10000; rest > 0; rest /= 10)
		digits++;
	if (date.year < 0)
		*p++ = '-';
	p = write_digits(p, year, digits);
	*p++ = '-';
	p = write_digits(p, date.month, 2);
	*p++ = '-';
	return write_digits(p, date.day, 2);
}

char *
iso_write_time(char *p, ClockTime time, int precision)
{
	p = write_digits(p, time.hour, 2);
	*p++ = ':';
	p = write_digits(p, time.minute, 2);
	*p++ = ':';
	p = write_digits(p, time.second, 2);
	if (precision == 0)
		return p;
	*p++ = '.';
	write_digits(p, time.usec, PRECISION_MAX);
	return p + precision;
}
