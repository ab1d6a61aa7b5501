/*
 * envelope_time.c
 *		Dates and times as Debezium's connector converts them.
 *
 * Of envelope_value.c, whose converters these are.
 */
#include "client/show/envelope_time.h"

#include "client/show/pg_text.h"
#include "common/value/calendar.h"

/* Of a month, on the average: 30.4375 days. */
#define MONTH_USECS INT64_C(2629800000000)

/* What java.time makes of the numbers that stand for infinity in its driver. */
#define INFINITY_DAYS INT64_C(-2147472692)
#define INFINITY_USECS INT64_C(9223372036825200000)
#define MINUS_INFINITY_USECS INT64_C(-9223372036832400000)

/* An integer, or what stands for one that is infinite. */
static bool
read_finite(TermReader *reader, int64_t infinite, int64_t minus_infinite,
			int64_t *value)
{
	Term term;

	if (!term_next(reader, &term))
		return false;
	if (term.kind == TERM_INTEGER)
		*value = term.integer;
	else if (term.kind == TERM_ATOM && term_is_atom(&term, "inf"))
		*value = infinite;
	else if (term.kind == TERM_ATOM && term_is_atom(&term, "-inf"))
		*value = minus_infinite;
	else
		return false;
	return true;
}

bool
envelope_put_date(Show *show, TermReader *reader, const ColumnType *type)
{
	int64_t days;

	(void) type;
	if (!read_finite(reader, INFINITY_DAYS, INFINITY_DAYS + 1, &days))
		return false;
	strbuf_putf(show->out, "%lld", (long long) days);
	return true;
}

static int
precision(const ColumnType *type)
{
	return type->typmod >= 0 && type->typmod <= PRECISION_MAX ? type->typmod
															  : PRECISION_MAX;
}

static int64_t
floor_div(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

/* Milliseconds, where the column has no finer ones. */
bool
envelope_put_usecs(Show *show, TermReader *reader, const ColumnType *type)
{
	int64_t usecs;

	if (!read_finite(reader, INFINITY_USECS, MINUS_INFINITY_USECS, &usecs))
		return false;
	strbuf_putf(
		show->out, "%lld",
		(long long) (precision(type) <= 3 ? floor_div(usecs, 1000) : usecs));
	return true;
}

bool
envelope_put_timetz(Show *show, TermReader *reader, const ColumnType *type)
{
	int64_t usecs;
	int64_t offset;

	(void) type;
	if (!term_next_tuple(reader, 2, "not a timetz") ||
		!term_next_int64(reader, &usecs, "not a timetz") ||
		!term_next_int64(reader, &offset, "not a timetz") ||
		offset != (int32_t) offset)
		return false;
	usecs = (usecs % DAY_USECS - offset * SECOND_USECS) % DAY_USECS;
	if (usecs < 0)
		usecs += DAY_USECS;
	strbuf_puts(show->out, "\"");
	pg_text_time(usecs, pg_text_digits(usecs), show->out);
	strbuf_puts(show->out, "Z\"");
	return true;
}

/* Years beyond 9999 have a sign, as java.time writes them. */
bool
envelope_put_timestamptz(Show *show, TermReader *reader, const ColumnType *type)
{
	char iso[ISO_SIZE];
	CalendarDate date;
	int64_t usecs;
	int64_t days;

	if (!read_finite(reader, INT64_MAX, INT64_MIN, &usecs))
		return false;
	if (usecs == INT64_MAX || usecs == INT64_MIN)
	{
		strbuf_puts(show->out, usecs > 0 ? "\"infinity\"" : "\"-infinity\"");
		return true;
	}
	days = floor_div(usecs, DAY_USECS);
	date = calendar_date((int32_t) (days - 10957));
	strbuf_puts(show->out, date.year > 9999 ? "\"+" : "\"");
	strbuf_put(show->out, iso, (size_t) (iso_write_date(iso, date) - iso));
	strbuf_puts(show->out, "T");
	usecs -= days * DAY_USECS;
	pg_text_time(usecs,
				 precision(type) > 0 ? precision(type) : pg_text_digits(usecs),
				 show->out);
	strbuf_puts(show->out, "Z\"");
	return true;
}

/* {Months, Days, Microseconds}.  It may be more than a number of Java holds. */
bool
envelope_put_interval(Show *show, TermReader *reader, const ColumnType *type)
{
	int64_t months;
	int64_t days;
	int64_t usecs;
	int64_t sum;

	(void) type;
	if (!term_next_tuple(reader, 3, "not an interval") ||
		!term_next_int64(reader, &months, "not an interval") ||
		!term_next_int64(reader, &days, "not an interval") ||
		!term_next_int64(reader, &usecs, "not an interval") ||
		__builtin_mul_overflow(months, MONTH_USECS, &sum) ||
		__builtin_mul_overflow(days, DAY_USECS, &days) ||
		__builtin_add_overflow(sum, days, &sum) ||
		__builtin_add_overflow(sum, usecs, &sum))
		return false;
	strbuf_putf(show->out, "%lld", (long long) sum);
	return true;
}
