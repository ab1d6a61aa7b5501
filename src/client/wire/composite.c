/*
 * composite.c
 *		Composites that are not as the catalogs say.
 */
#include "client/wire/reader.h"

#include <limits.h>

static bool
is_map(const TermOut *out)
{
	return out->forms->rows == ROWS_MAP &&
		   out->forms->dialect != DIALECT_COMPACT;
}

/*
 * A number is never used again, so if that of the last one is its place, those
 * before it have always been the first.
 */
static bool
were_first(const WireType *type, int nfields)
{
	return nfields < type->nfields &&
		   (nfields == 0 || type->fields[nfields - 1].number == nfields);
}

bool
wire_find_fields(WireReader *in, int nfields, WireFieldsFit fit,
				 WireFields *found)
{
	const WireType *type = in->type;

	while (type != NULL &&
		   (type->nfields != nfields || !fit(in, type, nfields)))
		type = type->older;
	in->older |= type != in->type;
	if (type == NULL && were_first(in->type, nfields) &&
		fit(in, in->type, nfields))
		type = in->type;
	if (type == NULL)
		in->result = WIRE_CHANGED;
	else
		*found = (WireFields){type->fields, nfields, 0};
	return type != NULL;
}

void
wire_begin_composite(WireReader *in, const WireFields *value)
{
	if (is_map(in->out))
		etf_put_map(in->out, (uint32_t) value->nfields);
	else
		etf_put_tuple(in->out, (uint32_t) in->type->nfields);
}

/* Of the type, up to the one of this number. */
static void
put_missing(WireReader *in, WireFields *value, int number)
{
	const WireType *type = in->type;

	while (value->written < type->nfields &&
		   type->fields[value->written].number < number)
	{
		etf_put_null(in->out);
		value->written++;
	}
}

bool
wire_put_field(WireReader *in, WireFields *value, const WireField *field)
{
	const WireType *type = in->type;

	if (is_map(in->out))
	{
		wire_put_key(in->out, field->name);
		return true;
	}
	put_missing(in, value, field->number);
	if (value->written == type->nfields ||
		type->fields[value->written].number != field->number)
		return false;
	value->written++;
	return true;
}

void
wire_end_composite(WireReader *in, WireFields *value)
{
	if (!is_map(in->out))
		put_missing(in, value, INT_MAX);
}
