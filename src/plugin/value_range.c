/*
 * value_range.c
 *		Ranges and multiranges.
 */
#include "postgres.h"

#include "utils/rangetypes.h"

#include "compat.h"
#include "plugin/encoders.h"
#include "plugin/template.h"

/* The third element of compact's tuple. */
#define FLAG_LOWER_INCLUSIVE 1
#define FLAG_UPPER_INCLUSIVE 2
#define FLAG_LOWER_UNBOUND 4
#define FLAG_UPPER_UNBOUND 8
#define FLAG_EMPTY 16

typedef struct Range
{
	RangeBound lower;
	RangeBound upper;
	bool empty;
} Range;

static EtfTemplate range_struct = {
	.module = "Elixir.Postgrex.Range",
	.fields = {{"lower_inclusive", FILL_TERM, NULL},
			   {"upper_inclusive", FILL_TERM, NULL},
			   {"lower", FILL_TERM, NULL},
			   {"upper", FILL_TERM, NULL}}};

static EtfTemplate multirange_struct = {
	.module = "Elixir.Postgrex.Multirange",
	.fields = {{"ranges", FILL_TERM, NULL}}};

static void
put_bound(EtfOut *out, const EtfType *type, const RangeBound *bound)
{
	type->element->encode(out, type->element, bound->val);
}

static void
put_struct_bound(EtfOut *out, const EtfType *type, const Range *range,
				 const RangeBound *bound)
{
	if (range->empty)
		etf_put_atom(out, "empty");
	else if (bound->infinite)
		etf_put_atom(out, "unbound");
	else
		put_bound(out, type, bound);
}

static void
put_struct(EtfOut *out, const EtfType *type, const Range *range)
{
	etf_put_template(out, &range_struct);
	etf_put_bool(out, !range->empty && range->lower.inclusive);
	etf_put_template_rest(out, &range_struct, 0);
	etf_put_bool(out, !range->empty && range->upper.inclusive);
	etf_put_template_rest(out, &range_struct, 1);
	put_struct_bound(out, type, range, &range->lower);
	etf_put_template_rest(out, &range_struct, 2);
	put_struct_bound(out, type, range, &range->upper);
}

/* {{Lower, Upper}, {LowerInclusive, UpperInclusive}}, or empty. */
static void
put_erlang_tuple(EtfOut *out, const EtfType *type, const Range *range)
{
	if (range->empty)
	{
		etf_put_atom(out, "empty");
		return;
	}
	etf_put_tuple(out, 2);
	etf_put_tuple(out, 2);
	if (range->lower.infinite)
		etf_put_atom(out, "minus_infinity");
	else
		put_bound(out, type, &range->lower);
	if (range->upper.infinite)
		etf_put_atom(out, "plus_infinity");
	else
		put_bound(out, type, &range->upper);
	etf_put_tuple(out, 2);
	etf_put_bool(out, range->lower.inclusive);
	etf_put_bool(out, range->upper.inclusive);
}

static int
compact_flags(const Range *range)
{
	if (range->empty)
		return FLAG_EMPTY;
	return (range->lower.inclusive ? FLAG_LOWER_INCLUSIVE : 0) |
		   (range->upper.inclusive ? FLAG_UPPER_INCLUSIVE : 0) |
		   (range->lower.infinite ? FLAG_LOWER_UNBOUND : 0) |
		   (range->upper.infinite ? FLAG_UPPER_UNBOUND : 0);
}

/* {Lower, Upper, Flags}; a bound that is not there is null. */
static void
put_compact_tuple(EtfOut *out, const EtfType *type, const Range *range)
{
	etf_put_tuple(out, 3);
	if (range->empty || range->lower.infinite)
		etf_put_null(out);
	else
		put_bound(out, type, &range->lower);
	if (range->empty || range->upper.infinite)
		etf_put_null(out);
	else
		put_bound(out, type, &range->upper);
	etf_put_int(out, compact_flags(range));
}

void
encode_range(EtfOut *out, const EtfType *type, Datum value)
{
	Range range;

	range_deserialize(type->typcache, DatumGetRangeTypeP(value), &range.lower,
					  &range.upper, &range.empty);
	switch ((EtfDialect) out->options->dialect)
	{
		case DIALECT_ELIXIR:
			put_struct(out, type, &range);
			break;
		case DIALECT_ERLANG:
			put_erlang_tuple(out, type, &range);
			break;
		case DIALECT_COMPACT:
			put_compact_tuple(out, type, &range);
			break;
	}
}

void
encode_multirange(EtfOut *out, const EtfType *type, Datum value)
{
	Datum *ranges;
	int count = multirange_ranges(value, type->element->typcache, &ranges);

	if (out->options->dialect == DIALECT_ELIXIR)
		etf_put_template(out, &multirange_struct);
	etf_put_list(out, count);
	for (int i = 0; i < count && !out->overflow; i++)
		encode_range(out, type->element, ranges[i]);
	etf_put_list_end(out);
}
