/*
 * text_geometric.c
 *		What geometric.c asks for: floats with brackets.
 *
 * The brackets tell nothing that the type does not, but for those of a path.
 */
#include "client/wire/text.h"

static void
skip_brackets(WireReader *in)
{
	while (in->pos < in->end && memchr("()[]{}<>", *in->pos, 8) != NULL)
		in->pos++;
}

/* Exactly as many. */
void
text_take_floats(WireReader *in, double *values, uint32_t n)
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

uint32_t
text_count_points(WireReader *in)
{
	return (text_commas(in) + 1) / 2;
}

bool
text_is_closed(WireReader *in)
{
	return text_peek(in) == '(';
}
