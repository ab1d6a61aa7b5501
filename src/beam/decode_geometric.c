/*
 * decode_geometric.c
 *		Geometric types: their text, for the input functions.
 *
 * Floats are written with the digits that read back, so nothing is lost.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/float.h"

#include "beam/decoders.h"

/* Writes what the term says, or returns false. */
typedef bool (*Put)(StringInfo text, Decoding *in, const Term *term);

static bool
put_real(StringInfo text, Decoding *in, const Term *term)
{
	double value;

	if (!decode_real(term, &value))
		return false;
	appendStringInfoString(text, float8out_internal(value));
	return true;
}

/* The field by "put", with what stands in front of it. */
static bool
put_field(StringInfo text, const Decoding *in, const StructReader *fields,
		  int field, const char *before, Put put)
{
	Decoding at = struct_at(in, fields, field);
	Term term;

	appendStringInfoString(text, before);
	decode_next(&at, &term);
	return put(text, &at, &term);
}

static bool
put_point(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"x", "y", NULL};
	StructReader fields;

	if (!struct_begin(in, term, "Elixir.Postgrex.Point", names, &fields) ||
		!put_field(text, in, &fields, 0, "(", put_real) ||
		!put_field(text, in, &fields, 1, ",", put_real))
		return false;
	appendStringInfoChar(text, ')');
	return true;
}

static bool
put_line(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"a", "b", "c", NULL};
	StructReader fields;

	if (!struct_begin(in, term, "Elixir.Postgrex.Line", names, &fields) ||
		!put_field(text, in, &fields, 0, "{", put_real) ||
		!put_field(text, in, &fields, 1, ",", put_real) ||
		!put_field(text, in, &fields, 2, ",", put_real))
		return false;
	appendStringInfoChar(text, '}');
	return true;
}

static bool
put_two_points(StringInfo text, Decoding *in, const Term *term,
			   const char *module, const char *const *names, char open,
			   char close)
{
	StructReader fields;

	appendStringInfoChar(text, open);
	if (!struct_begin(in, term, module, names, &fields) ||
		!put_field(text, in, &fields, 0, "", put_point) ||
		!put_field(text, in, &fields, 1, ",", put_point))
		return false;
	appendStringInfoChar(text, close);
	return true;
}

static bool
put_lseg(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"point1", "point2", NULL};

	return put_two_points(text, in, term, "Elixir.Postgrex.LineSegment", names,
						  '[', ']');
}

static bool
put_box(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"upper_right", "bottom_left", NULL};

	return put_two_points(text, in, term, "Elixir.Postgrex.Box", names, '(',
						  ')');
}

static bool
put_points(StringInfo text, Decoding *in, const Term *term)
{
	ListReader list;
	Term point;

	if (!list_begin(&list, term))
		return false;
	while (list_next(in, &list, &point))
	{
		CHECK_FOR_INTERRUPTS();
		if (list.index > 1)
			appendStringInfoChar(text, ',');
		if (!put_point(text, in, &point))
			return false;
	}
	return true;
}

static bool
put_path(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"open", "points", NULL};
	StructReader fields;
	bool open;

	if (!struct_begin(in, term, "Elixir.Postgrex.Path", names, &fields) ||
		!struct_bool(in, &fields, 0, &open) ||
		!put_field(text, in, &fields, 1, open ? "[" : "(", put_points))
		return false;
	appendStringInfoChar(text, open ? ']' : ')');
	return true;
}

static bool
put_polygon(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"vertices", NULL};
	StructReader fields;

	if (!struct_begin(in, term, "Elixir.Postgrex.Polygon", names, &fields) ||
		!put_field(text, in, &fields, 0, "(", put_points))
		return false;
	appendStringInfoChar(text, ')');
	return true;
}

static bool
put_circle(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"center", "radius", NULL};
	StructReader fields;

	if (!struct_begin(in, term, "Elixir.Postgrex.Circle", names, &fields) ||
		!put_field(text, in, &fields, 0, "<", put_point) ||
		!put_field(text, in, &fields, 1, ",", put_real))
		return false;
	appendStringInfoChar(text, '>');
	return true;
}

static Datum
decode_shape(Decoding *in, const DecodeType *type, const Term *term, Put put)
{
	StringInfoData text;

	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	initStringInfo(&text);
	if (!put(&text, in, term))
		decode_mismatch(in, type, term);
	return decode_input(type, text.data);
}

Datum
decode_point(Decoding *in, const DecodeType *type, const Term *term)
{
	return decode_shape(in, type, term, put_point);
}

Datum
decode_line(Decoding *in, const DecodeType *type, const Term *term)
{
	return decode_shape(in, type, term, put_line);
}

Datum
decode_lseg(Decoding *in, const DecodeType *type, const Term *term)
{
	return decode_shape(in, type, term, put_lseg);
}

Datum
decode_box(Decoding *in, const DecodeType *type, const Term *term)
{
	return decode_shape(in, type, term, put_box);
}

Datum
decode_path(Decoding *in, const DecodeType *type, const Term *term)
{
	return decode_shape(in, type, term, put_path);
}

Datum
decode_polygon(Decoding *in, const DecodeType *type, const Term *term)
{
	return decode_shape(in, type, term, put_polygon);
}

Datum
decode_circle(Decoding *in, const DecodeType *type, const Term *term)
{
	return decode_shape(in, type, term, put_circle);
}
