/*
 * geometric.c
 *		point, line, lseg, box, path, polygon, circle: floats, in both formats.
 */
#include "common/value/geometric.h"
#include "client/wire/reader.h"

/* Of all but paths and polygons. */
#define MAX_FLOATS 4

static void
put(WireReader *in, uint32_t n, void (*put_floats)(TermOut *, const double *))
{
	double values[MAX_FLOATS];

	in->readers->take_floats(in, values, n);
	put_floats(in->out, values);
}

void
wire_point(WireReader *in)
{
	put(in, 2, etf_put_point);
}

void
wire_line(WireReader *in)
{
	put(in, 3, etf_put_line);
}

void
wire_lseg(WireReader *in)
{
	put(in, 4, etf_put_lseg);
}

void
wire_box(WireReader *in)
{
	put(in, 4, etf_put_box);
}

void
wire_circle(WireReader *in)
{
	put(in, 3, etf_put_circle);
}

/* The caller frees them. */
static double *
take_points(WireReader *in, uint32_t *n)
{
	double *xy;

	*n = in->readers->count_points(in);
	xy = in->out->host->scratch(NULL, ((size_t) *n + 1) * 2 * sizeof(double));
	in->readers->take_floats(in, xy, 2 * *n);
	return xy;
}

void
wire_path(WireReader *in)
{
	bool closed = in->readers->is_closed(in);
	uint32_t n;
	double *xy = take_points(in, &n);

	etf_put_path(in->out, closed, xy, n);
	out_scratch_free(in->out, xy);
}

void
wire_polygon(WireReader *in)
{
	uint32_t n;
	double *xy = take_points(in, &n);

	etf_put_polygon(in->out, xy, n);
	out_scratch_free(in->out, xy);
}
