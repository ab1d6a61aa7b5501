/*
 * value_interval.c
 *		Intervals.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "plugin/encoders.h"
#include "plugin/template.h"

#define DEFAULT_PRECISION 6

static EtfTemplate postgrex_struct = {.module = "Elixir.Postgrex.Interval",
									  .fields = {{"months", FILL_INT, NULL},
												 {"days", FILL_INT, NULL},
												 {"microsecs", FILL_INT, NULL},
												 {"secs", FILL_TERM, NULL}}};

static EtfTemplate duration_struct = {
	.module = "Elixir.Duration",
	.fields = {{"year", FILL_ZERO, NULL},
			   {"month", FILL_INT, NULL},
			   {"week", FILL_ZERO, NULL},
			   {"day", FILL_INT, NULL},
			   {"hour", FILL_ZERO, NULL},
			   {"minute", FILL_ZERO, NULL},
			   {"microsecond", FILL_USEC, NULL},
			   {"second", FILL_TERM, NULL}}};

static void
put_postgrex(EtfOut *out, const Interval *interval)
{
	char *p = etf_put_template(out, &postgrex_struct);

	template_int(p, &postgrex_struct, 0, interval->month);
	template_int(p, &postgrex_struct, 1, interval->day);
	template_int(p, &postgrex_struct, 2, interval->time % USECS_PER_SEC);
	etf_put_int(out, interval->time / USECS_PER_SEC);
}

/* The precision is in the low half of the type modifier; all ones: none. */
static int
precision_of(const EtfType *type)
{
	int precision = type->typmod & 0xFFFF;

	return precision <= DEFAULT_PRECISION ? precision : DEFAULT_PRECISION;
}

static void
put_duration(EtfOut *out, const Interval *interval, int precision)
{
	char *p = etf_put_template(out, &duration_struct);

	template_int(p, &duration_struct, 0, interval->month);
	template_int(p, &duration_struct, 1, interval->day);
	template_int(p, &duration_struct, 2, interval->time % USECS_PER_SEC);
	template_byte(p, &duration_struct, 3, precision);
	etf_put_int(out, interval->time / USECS_PER_SEC);
}

/* {{Hours, Minutes, Seconds}, Days, Months}, as epgsql has it. */
static void
put_erlang_tuple(EtfOut *out, const Interval *interval)
{
	int64 usecs = interval->time % USECS_PER_MINUTE;

	etf_put_tuple(out, 3);
	etf_put_tuple(out, 3);
	etf_put_int(out, interval->time / USECS_PER_HOUR);
	etf_put_int(out, interval->time % USECS_PER_HOUR / USECS_PER_MINUTE);
	etf_put_float(out, usecs / USECS_PER_SEC +
						   usecs % USECS_PER_SEC / (double) USECS_PER_SEC);
	etf_put_int(out, interval->day);
	etf_put_int(out, interval->month);
}

static void
put_compact_tuple(EtfOut *out, const Interval *interval)
{
	etf_put_tuple(out, 3);
	etf_put_int(out, interval->month);
	etf_put_int(out, interval->day);
	etf_put_int(out, interval->time);
}

void
encode_interval(EtfOut *out, const EtfType *type, Datum value)
{
	const Interval *interval = DatumGetIntervalP(value);

	if (interval_is_infinite(interval))
		etf_put_infinity(out, interval->time < 0);
	else if (out->options->interval == INTERVAL_POSTGREX)
		put_postgrex(out, interval);
	else if (out->options->interval == INTERVAL_DURATION)
		put_duration(out, interval, precision_of(type));
	else if (out->options->dialect == DIALECT_COMPACT)
		put_compact_tuple(out, interval);
	else
		put_erlang_tuple(out, interval);
}
