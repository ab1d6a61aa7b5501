/*
 * decode_range.c
 *		Ranges and multiranges.
 */
#include "postgres.h"

#include "utils/rangetypes.h"

#include "beam/decoders.h"
#include "compat/values.h"

static const char *const range_names[] = {"lower", "upper", "lower_inclusive",
										  "upper_inclusive", NULL};

static bool
atom_at(const Decoding *in, const StructReader *fields, int field,
		const char *name)
{
	Decoding at = struct_at(in, fields, field);
	Term term;

	decode_next(&at, &term);
	return term.kind == TERM_ATOM && term_is_atom(&term, name);
}

/* :unbound or nil: there is none. */
static RangeBound
read_bound(const Decoding *in, const DecodeType *type,
		   const StructReader *fields, int field, bool inclusive)
{
	RangeBound bound = {.inclusive = inclusive, .lower = field == 0};
	Decoding at = struct_at(in, fields, field);

	if (atom_at(in, fields, field, "unbound"))
		bound.infinite = true;
	else
		bound.val = decode_value(&at, type->element, &bound.infinite);
	return bound;
}

Datum
decode_range(Decoding *in, const DecodeType *type, const Term *term)
{
	StructReader fields;
	RangeBound lower = {.lower = true};
	RangeBound upper = {0};
	bool lower_inclusive;
	bool upper_inclusive;
	bool empty;

	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	if (!struct_begin(in, term, "Elixir.Postgrex.Range", range_names,
					  &fields) ||
		!struct_bool(in, &fields, 2, &lower_inclusive) ||
		!struct_bool(in, &fields, 3, &upper_inclusive))
		decode_mismatch(in, type, term);
	empty = atom_at(in, &fields, 0, "empty");
	if (!empty)
	{
		lower = read_bound(in, type, &fields, 0, lower_inclusive);
		upper = read_bound(in, type, &fields, 1, upper_inclusive);
	}
	return RangeTypePGetDatum(range_of(type->typcache, &lower, &upper, empty));
}

static Datum
read_ranges(Decoding *in, const DecodeType *type, const Term *term)
{
	ListReader list;
	Datum *ranges;
	Term element;
	bool isnull;

	if (!list_begin(&list, term) || term->kind == TERM_STRING)
		decode_mismatch(in, type, term);
	ranges = palloc(sizeof(Datum) * Max(list.count, 1));
	while (list_next(in, &list, &element))
	{
		ranges[list.index - 1] =
			decode_token(in, type->element, &element, &isnull);
		if (isnull)
			decode_mismatch(in, type, &element);
	}
	return multirange_of(type->typid, type->element->typcache, (int) list.count,
						 ranges);
}

/* Postgrex's struct, or the list alone. */
Datum
decode_multirange(Decoding *in, const DecodeType *type, const Term *term)
{
	static const char *const names[] = {"ranges", NULL};
	StructReader fields;
	Decoding at;
	Term list;

	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	if (!struct_begin(in, term, "Elixir.Postgrex.Multirange", names, &fields))
		return read_ranges(in, type, term);
	at = struct_at(in, &fields, 0);
	decode_next(&at, &list);
	return read_ranges(&at, type, &list);
}
