/*
 * binary_geometric.c
 *		What geometric.c asks for: floats in binary, points behind their number.
 */
#include "client/wire/binary.h"

void
binary_take_floats(WireReader *in, double *values, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		values[i] = binary_double(in);
}

uint32_t
binary_count_points(WireReader *in)
{
	return binary_count(in, 2 * sizeof(double));
}

bool
binary_is_closed(WireReader *in)
{
	return binary_uint(in, 1) != 0;
}
