/*
 * put_geometric.c
 *		point, line, lseg, box, path, polygon, circle.
 *
 * Postgrex's structs in dialect elixir; tuples of floats, and lists of points
 * where their number varies, in the others.
 */
#include "common/term/template.h"
#include "common/value/geometric.h"

static EtfTemplate point_template = {
	.module = "Elixir.Postgrex.Point",
	.fields = {{"x", FILL_TERM, NULL}, {"y", FILL_TERM, NULL}}};
static EtfTemplate line_template = {.module = "Elixir.Postgrex.Line",
									.fields = {{"a", FILL_TERM, NULL},
											   {"b", FILL_TERM, NULL},
											   {"c", FILL_TERM, NULL}}};
static EtfTemplate lseg_template = {
	.module = "Elixir.Postgrex.LineSegment",
	.fields = {{"point1", FILL_TERM, NULL}, {"point2", FILL_TERM, NULL}}};
static EtfTemplate box_template = {
	.module = "Elixir.Postgrex.Box",
	.fields = {{"upper_right", FILL_TERM, NULL},
			   {"bottom_left", FILL_TERM, NULL}}};
static EtfTemplate path_template = {
	.module = "Elixir.Postgrex.Path",
	.fields = {{"open", FILL_TERM, NULL}, {"points", FILL_TERM, NULL}}};
static EtfTemplate polygon_template = {
	.module = "Elixir.Postgrex.Polygon",
	.fields = {{"vertices", FILL_TERM, NULL}}};
static EtfTemplate circle_template = {
	.module = "Elixir.Postgrex.Circle",
	.fields = {{"center", FILL_TERM, NULL}, {"radius", FILL_TERM, NULL}}};

static bool
as_struct(const TermOut *out)
{
	return out->forms->dialect == DIALECT_ELIXIR;
}

/* Up to the first element of the struct or the tuple. */
static void
put_begin(TermOut *out, EtfTemplate *template, uint32_t arity)
{
	if (as_struct(out))
		etf_put_template(out, template);
	else
		etf_put_tuple(out, arity);
}

/* From the element "n" to the next one; in a tuple there is nothing. */
static void
put_next(TermOut *out, const EtfTemplate *template, int n)
{
	if (as_struct(out))
		etf_put_template_rest(out, template, n);
}

void
etf_put_point(TermOut *out, const double *xy)
{
	put_begin(out, &point_template, 2);
	etf_put_float(out, xy[0]);
	put_next(out, &point_template, 0);
	etf_put_float(out, xy[1]);
}

static void
put_points(TermOut *out, const double *xy, uint32_t n)
{
	etf_put_list(out, n);
	for (uint32_t i = 0; i < n; i++)
		etf_put_point(out, &xy[2 * (size_t) i]);
	etf_put_list_end(out);
}

void
etf_put_line(TermOut *out, const double *abc)
{
	put_begin(out, &line_template, 3);
	etf_put_float(out, abc[0]);
	put_next(out, &line_template, 0);
	etf_put_float(out, abc[1]);
	put_next(out, &line_template, 1);
	etf_put_float(out, abc[2]);
}

static void
put_two_points(TermOut *out, EtfTemplate *template, const double *xy)
{
	put_begin(out, template, 2);
	etf_put_point(out, xy);
	put_next(out, template, 0);
	etf_put_point(out, xy + 2);
}

void
etf_put_lseg(TermOut *out, const double *xy)
{
	put_two_points(out, &lseg_template, xy);
}

void
etf_put_box(TermOut *out, const double *xy)
{
	put_two_points(out, &box_template, xy);
}

void
etf_put_path(TermOut *out, bool closed, const double *xy, uint32_t n)
{
	put_begin(out, &path_template, 2);
	if (as_struct(out))
		etf_put_bool(out, !closed);
	else if (closed)
		etf_put_atom(out, "closed");
	else
		etf_put_atom(out, "open");
	put_next(out, &path_template, 0);
	put_points(out, xy, n);
}

void
etf_put_polygon(TermOut *out, const double *xy, uint32_t n)
{
	/* In a tuple there would be nothing else. */
	if (as_struct(out))
		etf_put_template(out, &polygon_template);
	put_points(out, xy, n);
}

void
etf_put_circle(TermOut *out, const double *xyr)
{
	put_begin(out, &circle_template, 2);
	etf_put_point(out, xyr);
	put_next(out, &circle_template, 0);
	etf_put_float(out, xyr[2]);
}
