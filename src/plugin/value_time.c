/*
 * value_time.c
 *		Dates and times.
 *
 * Calendar arithmetic on integers only: no session time zone, no display
 * setting.  Years are astronomical, as in ISO 8601: 0 is 1 BC.  Years outside
 * of Calendar.ISO and the time 24:00:00 keep their form: it is for the reader
 * to refuse them.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "plugin/encoders.h"
#include "plugin/template.h"

#define DEFAULT_PRECISION 6
#define UNIX_EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)

/* "5874897-12-31" or "294276-12-31T23:59:59.999999Z", and some more. */
#define ISO_SIZE 40

typedef struct Date
{
	int year;
	int month;
	int day;
} Date;

typedef struct Time
{
	int hour;
	int minute;
	int second;
	int usec;
} Time;

static EtfTemplate date_struct = {
	.module = "Elixir.Date",
	.fields = {{"calendar", FILL_ATOM, "Elixir.Calendar.ISO"},
			   {"year", FILL_INT, NULL},
			   {"month", FILL_BYTE, NULL},
			   {"day", FILL_BYTE, NULL}}};

static EtfTemplate time_struct = {
	.module = "Elixir.Time",
	.fields = {{"calendar", FILL_ATOM, "Elixir.Calendar.ISO"},
			   {"hour", FILL_BYTE, NULL},
			   {"minute", FILL_BYTE, NULL},
			   {"second", FILL_BYTE, NULL},
			   {"microsecond", FILL_USEC, NULL}}};

static EtfTemplate naive_struct = {
	.module = "Elixir.NaiveDateTime",
	.fields = {{"calendar", FILL_ATOM, "Elixir.Calendar.ISO"},
			   {"year", FILL_INT, NULL},
			   {"month", FILL_BYTE, NULL},
			   {"day", FILL_BYTE, NULL},
			   {"hour", FILL_BYTE, NULL},
			   {"minute", FILL_BYTE, NULL},
			   {"second", FILL_BYTE, NULL},
			   {"microsecond", FILL_USEC, NULL}}};

static EtfTemplate utc_struct = {
	.module = "Elixir.DateTime",
	.fields = {{"calendar", FILL_ATOM, "Elixir.Calendar.ISO"},
			   {"year", FILL_INT, NULL},
			   {"month", FILL_BYTE, NULL},
			   {"day", FILL_BYTE, NULL},
			   {"hour", FILL_BYTE, NULL},
			   {"minute", FILL_BYTE, NULL},
			   {"second", FILL_BYTE, NULL},
			   {"microsecond", FILL_USEC, NULL},
			   {"time_zone", FILL_BINARY, "Etc/UTC"},
			   {"zone_abbr", FILL_BINARY, "UTC"},
			   {"utc_offset", FILL_ZERO, NULL},
			   {"std_offset", FILL_ZERO, NULL}}};

static inline Date
split_days(int days)
{
	Date date;

	j2date(days + POSTGRES_EPOCH_JDATE, &date.year, &date.month, &date.day);
	return date;
}

static inline Time
split_usecs(int64 usecs)
{
	Time time;
	int seconds = (int) (usecs / USECS_PER_SEC);

	time.usec = (int) (usecs - seconds * USECS_PER_SEC);
	time.hour = seconds / SECS_PER_HOUR;
	seconds -= time.hour * SECS_PER_HOUR;
	time.minute = seconds / SECS_PER_MINUTE;
	time.second = seconds - time.minute * SECS_PER_MINUTE;
	return time;
}

/* Days and the time of day, which is never negative. */
static inline int
split_timestamp(Timestamp timestamp, int64 *usecs)
{
	int64 days = timestamp / USECS_PER_DAY;

	*usecs = timestamp - days * USECS_PER_DAY;
	if (*usecs < 0)
	{
		*usecs += USECS_PER_DAY;
		days--;
	}
	return (int) days;
}

static inline int
precision_of(const EtfType *type)
{
	return type->typmod >= 0 && type->typmod <= DEFAULT_PRECISION
			   ? type->typmod
			   : DEFAULT_PRECISION;
}

static inline void
fill_date(char *p, const EtfTemplate *template, Date date)
{
	template_int(p, template, 0, date.year);
	template_byte(p, template, 1, date.month);
	template_byte(p, template, 2, date.day);
}

static inline void
fill_time(char *p, const EtfTemplate *template, int hole, Time time,
		  int precision)
{
	template_byte(p, template, hole, time.hour);
	template_byte(p, template, hole + 1, time.minute);
	template_byte(p, template, hole + 2, time.second);
	template_int(p, template, hole + 3, time.usec);
	template_byte(p, template, hole + 4, precision);
}

static void
put_date_tuple(EtfOut *out, Date date)
{
	etf_put_tuple(out, 3);
	etf_put_int(out, date.year);
	etf_put_int(out, date.month);
	etf_put_int(out, date.day);
}

/* epgsql's seconds are a float. */
static void
put_time_tuple(EtfOut *out, Time time)
{
	etf_put_tuple(out, 3);
	etf_put_int(out, time.hour);
	etf_put_int(out, time.minute);
	etf_put_float(out, time.second + time.usec / (double) USECS_PER_SEC);
}

/* "value" in exactly this many digits. */
static inline char *
write_digits(char *p, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--)
	{
		p[i] = '0' + value % 10;
		value /= 10;
	}
	return p + digits;
}

/* At least four digits of year, as Elixir's to_iso8601 prints. */
static char *
write_iso_date(char *p, Date date)
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

static char *
write_iso_time(char *p, Time time, int precision)
{
	p = write_digits(p, time.hour, 2);
	*p++ = ':';
	p = write_digits(p, time.minute, 2);
	*p++ = ':';
	p = write_digits(p, time.second, 2);
	if (precision == 0)
		return p;
	*p++ = '.';
	write_digits(p, time.usec, DEFAULT_PRECISION);
	return p + precision;
}

void
encode_date(EtfOut *out, const EtfType *type, Datum value)
{
	DateADT days = DatumGetDateADT(value);
	char text[ISO_SIZE];

	if (DATE_NOT_FINITE(days))
	{
		etf_put_infinity(out, DATE_IS_NOBEGIN(days));
		return;
	}
	switch ((EtfTimestamps) out->options->timestamps)
	{
		case TIMESTAMPS_US:
			etf_put_int(out, (int64) days + UNIX_EPOCH_DAYS);
			break;
		case TIMESTAMPS_TUPLE:
			put_date_tuple(out, split_days(days));
			break;
		case TIMESTAMPS_ISO:
			etf_put_binary(out, text,
						   write_iso_date(text, split_days(days)) - text);
			break;
		default:
			fill_date(etf_put_template(out, &date_struct), &date_struct,
					  split_days(days));
			break;
	}
}

static void
put_time(EtfOut *out, int64 usecs, int precision)
{
	char text[ISO_SIZE];
	Time time = split_usecs(usecs);

	switch ((EtfTimestamps) out->options->timestamps)
	{
		case TIMESTAMPS_US:
			etf_put_int(out, usecs);
			break;
		case TIMESTAMPS_TUPLE:
			put_time_tuple(out, time);
			break;
		case TIMESTAMPS_ISO:
			etf_put_binary(out, text,
						   write_iso_time(text, time, precision) - text);
			break;
		default:
			fill_time(etf_put_template(out, &time_struct), &time_struct, 0,
					  time, precision);
			break;
	}
}

void
encode_time(EtfOut *out, const EtfType *type, Datum value)
{
	put_time(out, DatumGetTimeADT(value), precision_of(type));
}

/*
 * "zone" is in seconds west of UTC.  So epgsql has it, too; elsewhere offsets
 * count to the east, as in ISO 8601.
 */
static void
put_time_and_offset(EtfOut *out, const TimeTzADT *timetz, int precision)
{
	bool erlang = out->options->dialect == DIALECT_ERLANG;

	etf_put_tuple(out, 2);
	put_time(out, timetz->time, precision);
	etf_put_int(out, erlang ? timetz->zone : -timetz->zone);
}

/* The time in UTC, within one day: as Postgrex has it, 24:00 is 00:00. */
static int64
time_in_utc(const TimeTzADT *timetz)
{
	int64 usecs = timetz->time + timetz->zone * USECS_PER_SEC;

	if (usecs < 0)
		return usecs + USECS_PER_DAY;
	return usecs < USECS_PER_DAY ? usecs : usecs - USECS_PER_DAY;
}

void
encode_timetz(EtfOut *out, const EtfType *type, Datum value)
{
	const TimeTzADT *timetz = DatumGetTimeTzADTP(value);
	int precision = precision_of(type);

	if (out->options->dialect != DIALECT_ELIXIR ||
		out->options->timetz == TIMETZ_OFFSET)
		put_time_and_offset(out, timetz, precision);
	else
		put_time(out, time_in_utc(timetz), precision);
}

static void
put_timestamp_tuple(EtfOut *out, Date date, Time time)
{
	etf_put_tuple(out, 2);
	put_date_tuple(out, date);
	put_time_tuple(out, time);
}

static void
put_timestamp_iso(EtfOut *out, Date date, Time time, int precision, bool utc)
{
	char text[ISO_SIZE];
	char *p = write_iso_date(text, date);

	*p++ = 'T';
	p = write_iso_time(p, time, precision);
	if (utc)
		*p++ = 'Z';
	etf_put_binary(out, text, p - text);
}

static void
put_timestamp_struct(EtfOut *out, Date date, Time time, int precision, bool utc)
{
	EtfTemplate *template = utc ? &utc_struct : &naive_struct;
	char *p = etf_put_template(out, template);

	fill_date(p, template, date);
	fill_time(p, template, 3, time, precision);
}

static void
put_split_timestamp(EtfOut *out, Timestamp timestamp, int precision, bool utc)
{
	int64 usecs;
	Date date = split_days(split_timestamp(timestamp, &usecs));
	Time time = split_usecs(usecs);

	switch ((EtfTimestamps) out->options->timestamps)
	{
		case TIMESTAMPS_TUPLE:
			put_timestamp_tuple(out, date, time);
			break;
		case TIMESTAMPS_ISO:
			put_timestamp_iso(out, date, time, precision, utc);
			break;
		default:
			put_timestamp_struct(out, date, time, precision, utc);
			break;
	}
}

/* The last decades before 294277 AD only fit without a sign. */
static inline void
put_unix_usecs(EtfOut *out, Timestamp timestamp)
{
	const int64 epoch = UNIX_EPOCH_DAYS * USECS_PER_DAY;

	if (likely(timestamp <= PG_INT64_MAX - epoch))
		etf_put_int(out, timestamp + epoch);
	else
		etf_put_uint(out, (uint64) timestamp + epoch);
}

static inline void
put_timestamp(EtfOut *out, const EtfType *type, Timestamp timestamp, bool utc)
{
	if (TIMESTAMP_NOT_FINITE(timestamp))
		etf_put_infinity(out, TIMESTAMP_IS_NOBEGIN(timestamp));
	else if (out->options->timestamps == TIMESTAMPS_US)
		put_unix_usecs(out, timestamp);
	else
		put_split_timestamp(out, timestamp, precision_of(type), utc);
}

void
encode_timestamp(EtfOut *out, const EtfType *type, Datum value)
{
	put_timestamp(out, type, DatumGetTimestamp(value), false);
}

void
encode_timestamptz(EtfOut *out, const EtfType *type, Datum value)
{
	put_timestamp(out, type, DatumGetTimestampTz(value), true);
}
