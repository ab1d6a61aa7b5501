/*
 * put_interval.c
 *		Intervals as structs or tuples.
 */
#include "common/term/template.h"
#include "common/value/time.h"

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

/* The microseconds are a hole behind months and days; the seconds follow. */
static void
put_struct(TermOut *out, EtfTemplate *template, int32_t months, int32_t days,
		   int64_t usecs, int precision)
{
	char *p = etf_put_template(out, template);

	template_int(p, template, 0, months);
	template_int(p, template, 1, days);
	template_int(p, template, 2, (int32_t) (usecs % SECOND_USECS));
	if (template == &duration_struct)
		template_byte(p, template, 3, precision);
	etf_put_int(out, usecs / SECOND_USECS);
}

/* {{Hours, Minutes, Seconds}, Days, Months}, as epgsql has it. */
static void
put_erlang_tuple(TermOut *out, int32_t months, int32_t days, int64_t usecs)
{
	int64_t rest = usecs % MINUTE_USECS;

	etf_put_tuple(out, 3);
	etf_put_tuple(out, 3);
	etf_put_int(out, usecs / HOUR_USECS);
	etf_put_int(out, usecs % HOUR_USECS / MINUTE_USECS);
	etf_put_float(out,
				  (double) (rest / SECOND_USECS) +
					  (double) (rest % SECOND_USECS) / (double) SECOND_USECS);
	etf_put_int(out, days);
	etf_put_int(out, months);
}

static void
put_compact_tuple(TermOut *out, int32_t months, int32_t days, int64_t usecs)
{
	etf_put_tuple(out, 3);
	etf_put_int(out, months);
	etf_put_int(out, days);
	etf_put_int(out, usecs);
}

void
etf_put_interval(TermOut *out, int32_t months, int32_t days, int64_t usecs,
				 int precision)
{
	if (out->forms->interval == INTERVAL_POSTGREX)
		put_struct(out, &postgrex_struct, months, days, usecs, precision);
	else if (out->forms->interval == INTERVAL_DURATION)
		put_struct(out, &duration_struct, months, days, usecs, precision);
	else if (out->forms->dialect == DIALECT_COMPACT)
		put_compact_tuple(out, months, days, usecs);
	else
		put_erlang_tuple(out, months, days, usecs);
}
