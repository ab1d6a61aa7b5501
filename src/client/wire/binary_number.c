/*
 * binary_number.c
 *		Integers, floats, booleans, numerics and money in binary.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/wire/binary.h"
#include "common/value/number.h"

/* Numerics of ordinary length need no scratch memory. */
#define LOCAL_GROUPS 64

#define SIGN_NEGATIVE 0x4000
#define SIGN_NAN 0xC000
#define SIGN_INFINITY 0xD000
#define SIGN_MINUS_INFINITY 0xF000

/* "d.dddddddde-XX": 9 digits keep any float. */
#define FLOAT_TEXT 24

void
binary_bool(WireReader *in)
{
	etf_put_bool(in->out, binary_uint(in, 1) != 0);
}

void
binary_int2(WireReader *in)
{
	etf_put_int(in->out, binary_int16(in));
}

void
binary_int4(WireReader *in)
{
	etf_put_int(in->out, binary_int32(in));
}

void
binary_int8(WireReader *in)
{
	etf_put_int(in->out, binary_int64(in));
}

void
binary_uint4(WireReader *in)
{
	etf_put_uint(in->out, binary_uint(in, 4));
}

void
binary_uint8(WireReader *in)
{
	etf_put_uint(in->out, binary_uint(in, 8));
}

/* Half the way to the next float, up or down; a double has it. */
static double
half_way(float value, float next)
{
	double step = isinf(next) ? (double) value - (double) nextafterf(value, 0)
							  : (double) next - (double) value;

	return (double) value + step / 2;
}

/* What reads back as one float and no other. */
typedef struct Between
{
	double below;
	double above;
} Between;

/* The decimal of so many digits that is nearest to "value". */
static bool
round_into(const Between *between, double value, int digits, double *decimal)
{
	char text[FLOAT_TEXT];

	snprintf(text, sizeof(text), "%.*e", digits - 1, value);
	*decimal = strtod(text, NULL);
	return *decimal > between->below && *decimal < between->above;
}

/*
 * The double that reads like the shortest text of the float: 0.1, not
 * 0.10000000149.  Above a power of two is more room than below it: there the
 * only decimal that is as short need not be the nearest one.  "value" is
 * positive and finite.
 */
static double
shortest_double(float value)
{
	const Between between = {half_way(value, nextafterf(value, 0)),
							 half_way(value, nextafterf(value, INFINITY))};
	double middle = (between.below + between.above) / 2;
	double decimal;
	int digits = 1;

	while (!round_into(&between, value, digits, &decimal) &&
		   !round_into(&between, middle, digits, &decimal))
		digits++;
	return decimal;
}

void
binary_float4(WireReader *in)
{
	float value = binary_float(in);
	double wide = value;

	if (in->out->forms->float4 == FLOAT4_SHORTEST && isfinite(value) &&
		value != 0)
		wide = copysign(shortest_double(fabsf(value)), value);
	etf_put_float(in->out, wide);
}

void
binary_float8(WireReader *in)
{
	etf_put_float(in->out, binary_double(in));
}

static void
put_groups(WireReader *in, int ngroups, int weight, int sign, int scale)
{
	uint16_t local[LOCAL_GROUPS] = {0};
	uint16_t *groups = local;

	if ((size_t) ngroups > wire_left(in) / sizeof(uint16_t))
	{
		wire_fail(in);
		return;
	}
	if (ngroups > LOCAL_GROUPS)
		groups =
			in->out->host->scratch(NULL, (size_t) ngroups * sizeof(*groups));
	for (int i = 0; i < ngroups; i++)
		groups[i] = (uint16_t) binary_uint(in, sizeof(*groups));
	wire_put_numeric(in, sign == SIGN_NEGATIVE, weight, scale, groups, ngroups);
	if (groups != local)
		out_scratch_free(in->out, groups);
}

void
binary_numeric(WireReader *in)
{
	int ngroups = (int) binary_uint(in, 2);
	int weight = binary_int16(in);
	int sign = (int) binary_uint(in, 2);
	int scale = (int) binary_uint(in, 2);

	if (sign == 0 || sign == SIGN_NEGATIVE)
		put_groups(in, ngroups, weight, sign, scale);
	else if (sign == SIGN_NAN || sign == SIGN_INFINITY ||
			 sign == SIGN_MINUS_INFINITY)
		wire_put_special_numeric(in, sign == SIGN_NAN,
								 sign == SIGN_MINUS_INFINITY);
	else
		wire_fail(in);
}

void
binary_money(WireReader *in)
{
	etf_put_money(in->out, binary_int64(in));
}

void
binary_tid(WireReader *in)
{
	uint32_t block = (uint32_t) binary_uint(in, 4);

	etf_put_tid(in->out, block, (uint16_t) binary_uint(in, 2));
}
