/*
 * row.c
 *		One row of a table as a map or a tuple.
 *
 * The hot loop of decoding: one call per column into the encoders that
 * value.c chose when the relation's plan was built.
 */
#include "postgres.h"

#include "access/detoast.h"

#include "compat.h"
#include "plugin/row.h"

/*
 * A toasted value that the reorder buffer has put together again is reached
 * through a pointer, and detoasting that would copy it.
 */
static Datum
follow_indirect(Datum value)
{
	struct varatt_indirect indirect;

	if (!VARATT_IS_EXTERNAL_INDIRECT(DatumGetPointer(value)))
		return value;
	VARATT_EXTERNAL_GET_POINTER(indirect, DatumGetPointer(value));
	return PointerGetDatum(indirect.pointer);
}

static void
put_column(EtfOut *out, const EtfType *type, Datum value)
{
	if (type->typlen != -1)
		etf_put_value(out, type, value);
	else if (VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
		etf_put_atom(out, "unchanged_toast");
	else
		etf_put_value(out, type, follow_indirect(value));
}

void
etf_put_row(EtfOut *out, const EtfField *fields, int nfields,
			const Datum *values, const bool *nulls, bool as_map,
			const EtfField **current)
{
	if (as_map)
		etf_put_map(out, nfields);
	else
		etf_put_tuple(out, nfields);

	for (const EtfField *field = fields; field < fields + nfields; field++)
	{
		if (current)
			*current = field;
		if (as_map)
			etf_put_small(out, field->key, field->key_len);
		if (nulls[field->attindex])
			etf_put_null(out);
		else
			put_column(out, field->type, values[field->attindex]);
	}
}
