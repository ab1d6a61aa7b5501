/*
 * text_interval.c
 *		Intervals from their text: 1 year 2 mons -3 days +04:05:06.789
 */
#include "client/wire/text.h"
#include "common/value/time.h"

#define HOURS_MAX UINT64_C(2562047788)

/* Years, months or days: the smallest have one more than the largest. */
#define COUNT_MAX (UINT64_C(1) << 31)

typedef struct Interval
{
	int64_t months;
	int64_t days;
	int64_t usecs;
} Interval;

/* Behind hours and a colon is a time, behind anything else a unit. */
static bool
is_clock(const WireReader *in)
{
	const char *p = in->pos;

	while (p < in->end && *p >= '0' && *p <= '9')
		p++;
	return p < in->end && *p == ':';
}

static void
take_clock(WireReader *in, bool negative, Interval *interval)
{
	uint64_t magnitude = text_clock(in, HOURS_MAX);

	if (magnitude > (uint64_t) INT64_MAX + negative)
		wire_fail(in);
	else if (negative && magnitude > 0)
		interval->usecs = -(int64_t) (magnitude - 1) - 1;
	else
		interval->usecs = (int64_t) magnitude;
}

static void
take_count(WireReader *in, bool negative, Interval *interval)
{
	int64_t count = (int64_t) text_uint(in, COUNT_MAX);

	if (negative)
		count = -count;
	if (text_skip_word(in, " year"))
		interval->months += count * 12;
	else if (text_skip_word(in, " mon"))
		interval->months += count;
	else if (text_skip_word(in, " day"))
		interval->days = count;
	else
		wire_fail(in);
	text_skip(in, 's');
}

static void
take_parts(WireReader *in, Interval *interval)
{
	do
	{
		bool negative = text_skip(in, '-');

		if (!negative)
			text_skip(in, '+');
		if (is_clock(in))
			take_clock(in, negative, interval);
		else
			take_count(in, negative, interval);
	} while (!wire_stopped(in) && text_skip(in, ' '));
}

void
text_interval(WireReader *in)
{
	Interval interval = {0, 0, 0};

	if (text_skip_word(in, "infinity"))
		etf_put_infinity(in->out, false);
	else if (text_skip_word(in, "-infinity"))
		etf_put_infinity(in->out, true);
	else
	{
		take_parts(in, &interval);
		if (interval.months != (int32_t) interval.months ||
			interval.days != (int32_t) interval.days)
			wire_fail(in);
		etf_put_interval(in->out, (int32_t) interval.months,
						 (int32_t) interval.days, interval.usecs,
						 interval_precision(in->typmod));
	}
}
