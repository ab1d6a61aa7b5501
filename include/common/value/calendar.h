/*
 * calendar.h
 *		Days and microseconds in parts, and as ISO 8601.
 *
 * Years are astronomical, as in ISO 8601: 0 is 1 BC.
 */
#ifndef ETF_CALENDAR_H
#define ETF_CALENDAR_H

#include <stdint.h>

#define SECOND_USECS INT64_C(1000000)
#define MINUTE_USECS (60 * SECOND_USECS)
#define HOUR_USECS (60 * MINUTE_USECS)
#define DAY_USECS (24 * HOUR_USECS)

/* Digits of microseconds. */
#define PRECISION_MAX 6

/* "5874897-12-31" or "294276-12-31T23:59:59.999999Z", and some more. */
#define ISO_SIZE 40

typedef struct CalendarDate
{
	int year;
	int month;
	int day;
} CalendarDate;

typedef struct ClockTime
{
	int hour;
	int minute;
	int second;
	int usec;
} ClockTime;

extern CalendarDate calendar_date(int32_t days_since_2000);
extern int64_t calendar_days(CalendarDate date); /* since 2000 */
extern ClockTime clock_time(int64_t usecs);

/* They return the end. */
extern char *iso_write_date(char *p, CalendarDate date);
extern char *iso_write_time(char *p, ClockTime time, int precision);

#endif
