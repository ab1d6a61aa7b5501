/*
 * put_time.c
 *		Dates and times as structs, tuples, numbers or ISO 8601.
 *
 * Arithmetic on integers only: no session time zone, no display setting.
 * Years outside of Calendar.ISO and the time 24:00:00 keep their form: it is
 * for the reader to refuse them.
 */
#include "common/term/template.h"
#include "common/value/time.h"

/* From 1970-01-01 to 2000-01-01. */
#define UNIX_EPOCH_DAYS 10957
#define UNIX_EPOCH_USECS (UNIX_EPOCH_DAYS * DAY_USECS)

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

/* Days and the time of day, which is never negative. */
static inline int32_t
split_timestamp(int64_t timestamp, int64_t *usecs)
{
	int64_t days = timestamp / DAY_USECS;

	*usecs = timestamp - days * DAY_USECS;
	if (*usecs < 0)
	{
		*usecs += DAY_USECS;
		days--;
	}
	return (int32_t) days;
}

static inline void
fill_date(char *p, const EtfTemplate *template, CalendarDate date)
{
	template_int(p, template, 0, date.year);
	template_byte(p, template, 1, date.month);
	template_byte(p, template, 2, date.day);
}

static inline void
fill_time(char *p, const EtfTemplate *template, int hole, ClockTime time,
		  int precision)
{
	template_byte(p, template, hole, time.hour);
	template_byte(p, template, hole + 1, time.minute);
	template_byte(p, template, hole + 2, time.second);
	template_int(p, template, hole + 3, time.usec);
	template_byte(p, template, hole + 4, precision);
}

static void
put_date_tuple(TermOut *out, CalendarDate date)
{
	etf_put_tuple(out, 3);
	etf_put_int(out, date.year);
	etf_put_int(out, date.month);
	etf_put_int(out, date.day);
}

/* epgsql's seconds are a float. */
static void
put_time_tuple(TermOut *out, ClockTime time)
{
	etf_put_tuple(out, 3);
	etf_put_int(out, time.hour);
	etf_put_int(out, time.minute);
	etf_put_float(out, time.second + time.usec / (double) SECOND_USECS);
}

static void
put_iso(TermOut *out, const char *text, const char *end)
{
	etf_put_binary(out, text, (size_t) (end - text));
}

void
etf_put_date(TermOut *out, int32_t days)
{
	char text[ISO_SIZE];

	if (days == INT32_MIN || days == INT32_MAX)
	{
		etf_put_infinity(out, days < 0);
		return;
	}
	switch ((EtfTimestamps) out->forms->timestamps)
	{
		case TIMESTAMPS_US:
			etf_put_int(out, (int64_t) days + UNIX_EPOCH_DAYS);
			break;
		case TIMESTAMPS_TUPLE:
			put_date_tuple(out, calendar_date(days));
			break;
		case TIMESTAMPS_ISO:
			put_iso(out, text, iso_write_date(text, calendar_date(days)));
			break;
		default:
			fill_date(etf_put_template(out, &date_struct), &date_struct,
					  calendar_date(days));
			break;
	}
}

void
etf_put_time(TermOut *out, int64_t usecs, int precision)
{
	char text[ISO_SIZE];
	ClockTime time = clock_time(usecs);

	switch ((EtfTimestamps) out->forms->timestamps)
	{
		case TIMESTAMPS_US:
			etf_put_int(out, usecs);
			break;
		case TIMESTAMPS_TUPLE:
			put_time_tuple(out, time);
			break;
		case TIMESTAMPS_ISO:
			put_iso(out, text, iso_write_time(text, time, precision));
			break;
		default:
			fill_time(etf_put_template(out, &time_struct), &time_struct, 0,
					  time, precision);
			break;
	}
}

/*
 * To the west is how epgsql has it, too; elsewhere offsets count to the east,
 * as in ISO 8601.
 */
static void
put_time_and_offset(TermOut *out, int64_t usecs, int32_t west, int precision)
{
	bool erlang = out->forms->dialect == DIALECT_ERLANG;

	etf_put_tuple(out, 2);
	etf_put_time(out, usecs, precision);
	etf_put_int(out, erlang ? west : -(int64_t) west);
}

/* The time in UTC, within one day: as Postgrex has it, 24:00 is 00:00. */
static int64_t
time_in_utc(int64_t usecs, int32_t west)
{
	usecs += west * SECOND_USECS;
	if (usecs < 0)
		return usecs + DAY_USECS;
	return usecs < DAY_USECS ? usecs : usecs - DAY_USECS;
}

void
etf_put_timetz(TermOut *out, int64_t usecs, int32_t west, int precision)
{
	if (out->forms->dialect != DIALECT_ELIXIR ||
		out->forms->timetz == TIMETZ_OFFSET)
		put_time_and_offset(out, usecs, west, precision);
	else
		etf_put_time(out, time_in_utc(usecs, west), precision);
}

static void
put_timestamp_tuple(TermOut *out, CalendarDate date, ClockTime time)
{
	etf_put_tuple(out, 2);
	put_date_tuple(out, date);
	put_time_tuple(out, time);
}

static void
put_timestamp_iso(TermOut *out, CalendarDate date, ClockTime time,
				  int precision, bool utc)
{
	char text[ISO_SIZE];
	char *p = iso_write_date(text, date);

	*p++ = 'T';
	p = iso_write_time(p, time, precision);
	if (utc)
		*p++ = 'Z';
	put_iso(out, text, p);
}

static void
put_timestamp_struct(TermOut *out, CalendarDate date, ClockTime time,
					 int precision, bool utc)
{
	EtfTemplate *template = utc ? &utc_struct : &naive_struct;
	char *p = etf_put_template(out, template);

	fill_date(p, template, date);
	fill_time(p, template, 3, time, precision);
}

static void
put_split_timestamp(TermOut *out, int64_t timestamp, int precision, bool utc)
{
	int64_t usecs;
	CalendarDate date = calendar_date(split_timestamp(timestamp, &usecs));
	ClockTime time = clock_time(usecs);

	switch ((EtfTimestamps) out->forms->timestamps)
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
put_unix_usecs(TermOut *out, int64_t timestamp)
{
	if (timestamp <= INT64_MAX - UNIX_EPOCH_USECS)
		etf_put_int(out, timestamp + UNIX_EPOCH_USECS);
	else
		etf_put_uint(out, (uint64_t) timestamp + UNIX_EPOCH_USECS);
}

void
etf_put_timestamp(TermOut *out, int64_t usecs, int precision, bool utc)
{
	if (usecs == INT64_MIN || usecs == INT64_MAX)
		etf_put_infinity(out, usecs < 0);
	else if (out->forms->timestamps == TIMESTAMPS_US)
		put_unix_usecs(out, usecs);
	else
		put_split_timestamp(out, usecs, precision, utc);
}
