/*
 * binary_nested.c
 *		Arrays, composites, ranges and multiranges in binary.
 */
#include "client/wire/binary.h"
#include "common/value/range.h"

#define MAX_DIMENSIONS 6

/* A length, of a NULL at least. */
#define ELEMENT_SIZE 4
#define FIELD_SIZE 8

/*
 * Is there room for the elements of these dimensions?  An int2vector without
 * any has a dimension all the same.
 */
static bool
dimensions_fit(const WireReader *in, const uint32_t *lengths, int ndims)
{
	size_t left = wire_left(in) / ELEMENT_SIZE;
	size_t count = 1;

	for (int i = 0; i < ndims; i++)
	{
		if ((lengths[i] == 0 && ndims > 1) || lengths[i] > left)
			return false;
		count *= lengths[i];
		if (count > left)
			return false;
	}
	return true;
}

static void
put_dimension(WireReader *in, const uint32_t *lengths, int ndims)
{
	etf_put_list(in->out, lengths[0]);
	for (uint32_t i = 0; i < lengths[0] && !wire_stopped(in); i++)
	{
		if (ndims == 1)
			binary_element(in, in->type->element, in->typmod);
		else
			put_dimension(in, lengths + 1, ndims - 1);
	}
	etf_put_list_end(in->out);
}

/* Lower bounds are not told, and that there are NULLs is seen. */
void
binary_array(WireReader *in)
{
	uint32_t lengths[MAX_DIMENSIONS];
	uint32_t ndims = (uint32_t) binary_uint(in, 4);
	uint64_t type;

	binary_uint(in, 4);
	type = binary_uint(in, 4);
	if (ndims > MAX_DIMENSIONS || type != in->type->element->oid)
	{
		wire_fail(in);
		return;
	}
	for (uint32_t i = 0; i < ndims; i++)
	{
		lengths[i] = (uint32_t) binary_uint(in, 4);
		binary_uint(in, 4);
	}
	if (ndims == 0)
		etf_put_list_end(in->out);
	else if (dimensions_fit(in, lengths, (int) ndims))
		put_dimension(in, lengths, (int) ndims);
	else
		wire_fail(in);
}

/* Are these the fields of the value, which begins behind their number? */
static bool
has_fields(WireReader value, const WireType *type, uint32_t nfields)
{
	if (nfields != (uint32_t) type->nfields)
		return false;
	for (uint32_t i = 0; i < nfields; i++)
	{
		int32_t len;

		if (binary_uint(&value, 4) != type->fields[i].type->oid)
			return false;
		len = binary_int32(&value);
		binary_bytes(&value, len > 0 ? (size_t) len : 0);
	}
	return true;
}

static const WireType *
description_of(const WireReader *in, uint32_t nfields)
{
	const WireType *type = in->type;

	while (type != NULL && !has_fields(*in, type, nfields))
		type = type->older;
	return type;
}

void
binary_composite(WireReader *in)
{
	uint32_t nfields = binary_count(in, FIELD_SIZE);
	const WireType *type = description_of(in, nfields);

	if (wire_stopped(in))
		return;
	if (type == NULL)
	{
		in->result = WIRE_CHANGED;
		return;
	}
	wire_put_composite(in, type);
	for (int i = 0; i < type->nfields && !wire_stopped(in); i++)
	{
		wire_put_field(in, &type->fields[i]);
		binary_uint(in, 4);
		binary_element(in, type->fields[i].type, type->fields[i].typmod);
	}
}

void
binary_range(WireReader *in)
{
	const WireType *subtype = in->type->element;
	unsigned flags = (unsigned) binary_uint(in, 1);

	if (etf_put_range_begin(in->out, flags))
		binary_element(in, subtype, -1);
	if (etf_put_range_upper(in->out, flags))
		binary_element(in, subtype, -1);
	etf_put_range_end(in->out, flags);
}

void
binary_multirange(WireReader *in)
{
	uint32_t count = binary_count(in, ELEMENT_SIZE);

	etf_put_multirange(in->out, count);
	for (uint32_t i = 0; i < count && !wire_stopped(in); i++)
		binary_element(in, in->type->element, -1);
	etf_put_list_end(in->out);
}
