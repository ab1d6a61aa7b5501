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
#include "plugin/struct.h"

static void put_point(EtfOut *out, const Point *point);
static void put_points(EtfOut *out, const Point *points, int n);
static void put_field(EtfOut *out, const char *name);
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

	if (as_struct(out))
		etf_put_struct(out, "Postgrex.Line", 3);
	else
		etf_put_tuple(out, 3);
	put_field(out, "a");
	etf_put_float(out, line->A);
	put_field(out, "b");
	etf_put_float(out, line->B);
	put_field(out, "c");
	etf_put_float(out, line->C);
}

void
encode_lseg(EtfOut *out, const EtfType *type, Datum value)
{
	const LSEG *lseg = DatumGetLsegP(value);

	if (as_struct(out))
		etf_put_struct(out, "Postgrex.LineSegment", 2);
	else
		etf_put_tuple(out, 2);
	put_field(out, "point1");
	put_point(out, &lseg->p[0]);
	put_field(out, "point2");
	put_point(out, &lseg->p[1]);
}

void
encode_box(EtfOut *out, const EtfType *type, Datum value)
{
	const BOX *box = DatumGetBoxP(value);

	if (as_struct(out))
		etf_put_struct(out, "Postgrex.Box", 2);
	else
		etf_put_tuple(out, 2);
	put_field(out, "upper_right");
	put_point(out, &box->high);
	put_field(out, "bottom_left");
	put_point(out, &box->low);
}

void
encode_path(EtfOut *out, const EtfType *type, Datum value)
{
	const PATH *path = DatumGetPathP(value);

	if (as_struct(out))
	{
		etf_put_struct(out, "Postgrex.Path", 2);
		put_field(out, "open");
		etf_put_bool(out, !path->closed);
	}
	else
	{
		etf_put_tuple(out, 2);
		if (path->closed)
			etf_put_atom(out, "closed");
		else
			etf_put_atom(out, "open");
	}
	put_field(out, "points");
	put_points(out, path->p, path->npts);
}

void
encode_polygon(EtfOut *out, const EtfType *type, Datum value)
{
	const POLYGON *polygon = DatumGetPolygonP(value);

	if (as_struct(out))
	{
		etf_put_struct(out, "Postgrex.Polygon", 1);
		put_field(out, "vertices");
	}
	put_points(out, polygon->p, polygon->npts);
}

void
encode_circle(EtfOut *out, const EtfType *type, Datum value)
{
	const CIRCLE *circle = DatumGetCircleP(value);

	if (as_struct(out))
		etf_put_struct(out, "Postgrex.Circle", 2);
	else
		etf_put_tuple(out, 2);
	put_field(out, "center");
	put_point(out, &circle->center);
	put_field(out, "radius");
	etf_put_float(out, circle->radius);
}

static void
put_point(EtfOut *out, const Point *point)
{
	if (as_struct(out))
		etf_put_struct(out, "Postgrex.Point", 2);
	else
		etf_put_tuple(out, 2);
	put_field(out, "x");
	etf_put_float(out, point->x);
	put_field(out, "y");
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

/* A tuple's elements have no names. */
static void
put_field(EtfOut *out, const char *name)
{
	if (as_struct(out))
		etf_put_atom_len(out, name, strlen(name));
}

static bool
as_struct(const EtfOut *out)
{
	return out->options->dialect == DIALECT_ELIXIR;
}
