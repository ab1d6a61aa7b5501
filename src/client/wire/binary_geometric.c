/*
 * binary_geometric.c
 *		point, line, lseg, box, path, polygon, circle: floats in binary.
 */
#include "client/wire/binary.h"
#include "common/value/geometric.h"

/* Of all but paths and polygons. */
#define MAX_FLOATS 4

#define POINT_SIZE (2 * sizeof(double))

static void
take(WireReader *in, double *values, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		values[i] = binary_double(in);
}

static void
put(WireReader *in, uint32_t n, void (*put_floats)(TermOut *, const double *))
{
	double values[MAX_FLOATS];

	take(in, values, n);
	put_floats(in->out, values);
}

void
binary_point(WireReader *in)
{
	put(in, 2, etf_put_point);
}

void
binary_line(WireReader *in)
{
	put(in, 3, etf_put_line);
}

void
binary_lseg(WireReader *in)
{
	put(in, 4, etf_put_lseg);
}

void
binary_box(WireReader *in)
{
	put(in, 4, etf_put_box);
}

void
binary_circle(WireReader *in)
{
	put(in, 3, etf_put_circle);
}

/* Behind their number; the caller frees them. */
static double *
take_points(WireReader *in, uint32_t *n)
{
	double *xy;

	*n = binary_count(in, POINT_SIZE);
	xy = in->out->host->scratch(NULL, (*n + 1) * POINT_SIZE);
	take(in, xy, 2 * *n);
	return xy;
}

void
binary_path(WireReader *in)
{
	bool closed = binary_uint(in, 1) != 0;
	uint32_t n;
	double *xy = take_points(in, &n);

	etf_put_path(in->out, closed, xy, n);
	out_scratch_free(in->out, xy);
}

void
binary_polygon(WireReader *in)
{
	uint32_t n;
	double *xy = take_points(in, &n);

	etf_put_polygon(in->out, xy, n);
	out_scratch_free(in->out, xy);
}
