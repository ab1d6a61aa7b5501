/*
 * value_geometric.c
 *		point, line, lseg, box, path, polygon, circle.
 *
 * Postgrex's structs in dialect elixir; tuples of floats, and lists of points
 * where their number varies, in the others.
 */
#include "postgres.h"

#include "utils/geo_decls.h"

#include "plugin/encoders.h"
#include "plugin/template.h"

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

static void put_point(EtfOut *out, const Point *point);
static void put_points(EtfOut *out, const Point *points, int n);
static void put_begin(EtfOut *out, EtfTemplate *template, int arity);
static void put_next(EtfOut *out, const EtfTemplate *template, int n);
static bool as_struct(const EtfOut *out);

void
encode_point(EtfOut *out, const EtfType *type, Datum value)
{
	put_point(out, DatumGetPointP(value));
}

void
encode_line(EtfOut *out, const EtfType *type, Datum value)
{
	const LINE *line = DatumGetLineP(value);

	put_begin(out, &line_template, 3);
	etf_put_float(out, line->A);
	put_next(out, &line_template, 0);
	etf_put_float(out, line->B);
	put_next(out, &line_template, 1);
	etf_put_float(out, line->C);
}

void
encode_lseg(EtfOut *out, const EtfType *type, Datum value)
{
	const LSEG *lseg = DatumGetLsegP(value);

	put_begin(out, &lseg_template, 2);
	put_point(out, &lseg->p[0]);
	put_next(out, &lseg_template, 0);
	put_point(out, &lseg->p[1]);
}

void
encode_box(EtfOut *out, const EtfType *type, Datum value)
{
	const BOX *box = DatumGetBoxP(value);

	put_begin(out, &box_template, 2);
	put_point(out, &box->high);
	put_next(out, &box_template, 0);
	put_point(out, &box->low);
}

void
encode_path(EtfOut *out, const EtfType *type, Datum value)
{
	const PATH *path = DatumGetPathP(value);

	put_begin(out, &path_template, 2);
	if (as_struct(out))
		etf_put_bool(out, !path->closed);
	else if (path->closed)
		etf_put_atom(out, "closed");
	else
		etf_put_atom(out, "open");
	put_next(out, &path_template, 0);
	put_points(out, path->p, path->npts);
}

void
encode_polygon(EtfOut *out, const EtfType *type, Datum value)
{
	const POLYGON *polygon = DatumGetPolygonP(value);

	/* In a tuple there would be nothing else. */
	if (as_struct(out))
		etf_put_template(out, &polygon_template);
	put_points(out, polygon->p, polygon->npts);
}

void
encode_circle(EtfOut *out, const EtfType *type, Datum value)
{
	const CIRCLE *circle = DatumGetCircleP(value);

	put_begin(out, &circle_template, 2);
	put_point(out, &circle->center);
	put_next(out, &circle_template, 0);
	etf_put_float(out, circle->radius);
}

static void
put_point(EtfOut *out, const Point *point)
{
	put_begin(out, &point_template, 2);
	etf_put_float(out, point->x);
	put_next(out, &point_template, 0);
	etf_put_float(out, point->y);
}

static void
put_points(EtfOut *out, const Point *points, int n)
{
	etf_put_list(out, n);
	for (int i = 0; i < n; i++)
		put_point(out, &points[i]);
	etf_put_list_end(out);
}

/* Up to the first element of the struct or the tuple. */
static void
put_begin(EtfOut *out, EtfTemplate *template, int arity)
{
	if (as_struct(out))
		etf_put_template(out, template);
	else
		etf_put_tuple(out, arity);
}

/* From the element "n" to the next one; in a tuple there is nothing. */
static void
put_next(EtfOut *out, const EtfTemplate *template, int n)
{
	if (as_struct(out))
		etf_put_template_rest(out, template, n);
}

static bool
as_struct(const EtfOut *out)
{
	return out->options->dialect == DIALECT_ELIXIR;
}
