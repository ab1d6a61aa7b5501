/*
 * text_range.c
 *		Ranges and multiranges from their text: [1,5) and {[1,5),[7,)}
 */
#include "client/wire/text.h"
#include "common/value/range.h"

#define STOPS ",)]"

typedef struct Range
{
	unsigned flags;
	TextItem lower;
	TextItem upper;
} Range;

static bool
is_missing(const TextItem *bound)
{
	return !bound->quoted && bound->len == 0;
}

static Range
take_range(WireReader *in)
{
	Range range = {.flags = 0};

	if (text_skip(in, '['))
		range.flags |= RANGE_LOWER_INCLUSIVE;
	else
		text_expect(in, '(');
	range.lower = text_item(in, STOPS);
	text_expect(in, ',');
	range.upper = text_item(in, STOPS);
	if (text_skip(in, ']'))
		range.flags |= RANGE_UPPER_INCLUSIVE;
	else
		text_expect(in, ')');
	if (is_missing(&range.lower))
		range.flags |= RANGE_LOWER_UNBOUND;
	if (is_missing(&range.upper))
		range.flags |= RANGE_UPPER_UNBOUND;
	return range;
}

static void
free_range(WireReader *in, Range *range)
{
	text_free_item(in, &range->lower);
	text_free_item(in, &range->upper);
}

static void
put_range(WireReader *in, const WireType *subtype, const Range *range)
{
	const TextItem *lower = &range->lower;
	const TextItem *upper = &range->upper;

	if (etf_put_range_begin(in->out, range->flags))
		wire_read(in, subtype, -1, lower->bytes, lower->len);
	if (etf_put_range_upper(in->out, range->flags))
		wire_read(in, subtype, -1, upper->bytes, upper->len);
	etf_put_range_end(in->out, range->flags);
}

void
text_range(WireReader *in)
{
	Range range = {.flags = RANGE_IS_EMPTY};

	if (!text_skip_word(in, "empty"))
		range = take_range(in);
	put_range(in, in->type->element, &range);
	free_range(in, &range);
}

static uint32_t
count_ranges(WireReader ranges)
{
	uint32_t count = 0;

	do
	{
		Range range = take_range(&ranges);

		free_range(&ranges, &range);
		count++;
	} while (!wire_stopped(&ranges) && text_skip(&ranges, ','));
	return count;
}

static void
put_ranges(WireReader *in)
{
	const WireType *subtype = in->type->element->element;

	etf_put_multirange(in->out, count_ranges(*in));
	do
	{
		Range range = take_range(in);

		put_range(in, subtype, &range);
		free_range(in, &range);
	} while (!wire_stopped(in) && text_skip(in, ','));
}

void
text_multirange(WireReader *in)
{
	text_expect(in, '{');
	if (text_peek(in) == '}')
		etf_put_multirange(in->out, 0);
	else
		put_ranges(in);
	text_expect(in, '}');
	etf_put_list_end(in->out);
}
