/*
 * put_range.c
 *		Ranges and multiranges: all but their bounds.
 *
 * Dialect elixir has Postgrex's structs; erlang epgsql's tuple {{Lower, Upper},
 * {LowerInclusive, UpperInclusive}}, or empty; compact {Lower, Upper, Flags},
 * where a bound that is missing is null.
 */
#include "common/term/template.h"
#include "common/value/range.h"

/* The third element of compact's tuple. */
#define COMPACT_LOWER_INCLUSIVE 1
#define COMPACT_UPPER_INCLUSIVE 2
#define COMPACT_LOWER_UNBOUND 4
#define COMPACT_UPPER_UNBOUND 8
#define COMPACT_EMPTY 16

static EtfTemplate range_struct = {
	.module = "Elixir.Postgrex.Range",
	.fields = {{"lower_inclusive", FILL_TERM, NULL},
			   {"upper_inclusive", FILL_TERM, NULL},
			   {"lower", FILL_TERM, NULL},
			   {"upper", FILL_TERM, NULL}}};

static EtfTemplate multirange_struct = {
	.module = "Elixir.Postgrex.Multirange",
	.fields = {{"ranges", FILL_TERM, NULL}}};

static inline bool
lower_inclusive(unsigned flags)
{
	return (flags & RANGE_LOWER_INCLUSIVE) && !(flags & RANGE_IS_EMPTY);
}

static inline bool
upper_inclusive(unsigned flags)
{
	return (flags & RANGE_UPPER_INCLUSIVE) && !(flags & RANGE_IS_EMPTY);
}

/* What stands in the place of a bound that is missing, "unbound" by dialect. */
static bool
put_bound(TermOut *out, bool empty, bool missing, const char *unbound)
{
	if (!empty && !missing)
		return true;
	if (out->forms->dialect == DIALECT_COMPACT)
		etf_put_null(out);
	else if (out->forms->dialect == DIALECT_ERLANG)
		etf_put_atom_len(out, unbound, strlen(unbound));
	else if (empty)
		etf_put_atom(out, "empty");
	else
		etf_put_atom(out, "unbound");
	return false;
}

static bool
is_only_atom(const TermOut *out, unsigned flags)
{
	return (flags & RANGE_IS_EMPTY) && out->forms->dialect == DIALECT_ERLANG;
}

static void
put_head(TermOut *out, unsigned flags)
{
	switch ((EtfDialect) out->forms->dialect)
	{
		case DIALECT_ELIXIR:
			etf_put_template(out, &range_struct);
			etf_put_bool(out, lower_inclusive(flags));
			etf_put_template_rest(out, &range_struct, 0);
			etf_put_bool(out, upper_inclusive(flags));
			etf_put_template_rest(out, &range_struct, 1);
			break;
		case DIALECT_ERLANG:
			etf_put_tuple(out, 2);
			etf_put_tuple(out, 2);
			break;
		case DIALECT_COMPACT:
			etf_put_tuple(out, 3);
			break;
	}
}

bool
etf_put_range_begin(TermOut *out, unsigned flags)
{
	if (is_only_atom(out, flags))
	{
		etf_put_atom(out, "empty");
		return false;
	}
	put_head(out, flags);
	return put_bound(out, flags & RANGE_IS_EMPTY, flags & RANGE_LOWER_UNBOUND,
					 "minus_infinity");
}

bool
etf_put_range_upper(TermOut *out, unsigned flags)
{
	if (is_only_atom(out, flags))
		return false;
	if (out->forms->dialect == DIALECT_ELIXIR)
		etf_put_template_rest(out, &range_struct, 2);
	return put_bound(out, flags & RANGE_IS_EMPTY, flags & RANGE_UPPER_UNBOUND,
					 "plus_infinity");
}

static int
compact_flags(unsigned flags)
{
	if (flags & RANGE_IS_EMPTY)
		return COMPACT_EMPTY;
	return (flags & RANGE_LOWER_INCLUSIVE ? COMPACT_LOWER_INCLUSIVE : 0) |
		   (flags & RANGE_UPPER_INCLUSIVE ? COMPACT_UPPER_INCLUSIVE : 0) |
		   (flags & RANGE_LOWER_UNBOUND ? COMPACT_LOWER_UNBOUND : 0) |
		   (flags & RANGE_UPPER_UNBOUND ? COMPACT_UPPER_UNBOUND : 0);
}

void
etf_put_range_end(TermOut *out, unsigned flags)
{
	if (out->forms->dialect == DIALECT_COMPACT)
		etf_put_int(out, compact_flags(flags));
	else if (out->forms->dialect == DIALECT_ERLANG && !(flags & RANGE_IS_EMPTY))
	{
		etf_put_tuple(out, 2);
		etf_put_bool(out, lower_inclusive(flags));
		etf_put_bool(out, upper_inclusive(flags));
	}
}

void
etf_put_multirange(TermOut *out, uint32_t count)
{
	if (out->forms->dialect == DIALECT_ELIXIR)
		etf_put_template(out, &multirange_struct);
	etf_put_list(out, count);
}
