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

/* Are these the fields of the value, of which the number has been read? */
static bool
has_fields(const WireReader *in, const WireType *type, int nfields)
{
	WireReader value = *in;

	for (int i = 0; i < nfields; i++)
	{
		int32_t len;

		if (binary_uint(&value, 4) != type->fields[i].type->oid)
			return false;
		len = binary_int32(&value);
		binary_bytes(&value, len > 0 ? (size_t) len : 0);
	}
	return true;
}

static void
put_field(WireReader *in, WireFields *value, const WireField *field)
{
	int32_t len;

	binary_uint(in, 4);
	if (wire_put_field(in, value, field))
	{
		binary_element(in, field->type, field->typmod);
		return;
	}
	len = binary_int32(in);
	binary_bytes(in, len > 0 ? (size_t) len : 0);
}

void
binary_composite(WireReader *in)
{
	int nfields = (int) binary_count(in, FIELD_SIZE);
	WireFields value;

	if (wire_stopped(in) || !wire_find_fields(in, nfields, has_fields, &value))
		return;
	wire_begin_composite(in, &value);
	for (int i = 0; i < nfields && !wire_stopped(in); i++)
		put_field(in, &value, &value.fields[i]);
	wire_end_composite(in, &value);
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
