/*
 * text_geometric.c
 *		point, lseg, box, path, polygon, circle, line: floats with brackets.
 *
 * The brackets tell nothing that the type does not, but for those of a path.
 */
#include "client/wire/text.h"
#include "common/value/geometric.h"

/* Of all but paths and polygons. */
#define MAX_FLOATS 4

static void
skip_brackets(WireReader *in)
{
	while (in->pos < in->end && memchr("()[]{}<>", *in->pos, 8) != NULL)
		in->pos++;
}

/* Exactly as many. */
static void
take(WireReader *in, double *values, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
	{
		if (i > 0)
			text_expect(in, ',');
		skip_brackets(in);
		values[i] = text_double(in);
		skip_brackets(in);
	}
}

static void
put(WireReader *in, uint32_t n, void (*put_floats)(TermOut *, const double *))
{
	double values[MAX_FLOATS];

	take(in, values, n);
	put_floats(in->out, values);
}

void
text_point(WireReader *in)
{
	put(in, 2, etf_put_point);
}

void
text_line(WireReader *in)
{
	put(in, 3, etf_put_line);
}

void
text_lseg(WireReader *in)
{
	put(in, 4, etf_put_lseg);
}

void
text_box(WireReader *in)
{
	put(in, 4, etf_put_box);
}

void
text_circle(WireReader *in)
{
	put(in, 3, etf_put_circle);
}

/* The caller frees them. */
static double *
take_points(WireReader *in, uint32_t *n)
{
	double *xy;

	*n = (text_commas(in) + 1) / 2;
	xy = in->out->host->scratch(NULL, *n * 2 * sizeof(double) + 1);
	take(in, xy, *n * 2);
	return xy;
}

void
text_path(WireReader *in)
{
	bool closed = text_peek(in) == '(';
	uint32_t n;
	double *xy = take_points(in, &n);

	etf_put_path(in->out, closed, xy, n);
	out_scratch_free(in->out, xy);
}

void
text_polygon(WireReader *in)
{
	uint32_t n;
	double *xy = take_points(in, &n);

	etf_put_polygon(in->out, xy, n);
	out_scratch_free(in->out, xy);
}
