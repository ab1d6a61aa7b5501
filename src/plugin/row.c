/*
 * row.c
 *		One row of a table as a map or a tuple.
 *
 * The hot loop of decoding: one call per column into the encoders that
 * value.c chose when the relation's plan was built.
 */
#include "postgres.h"

#include "compat.h"
#include "plugin/row.h"

static void
put_column(EtfOut *out, const EtfType *type, Datum value)
{
	if (type->typlen == -1 && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
		etf_put_atom(out, "unchanged_toast");
	else
		etf_put_value(out, type, value);
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
