/*
 * row.c
 *		One row of a table as a map or a tuple.
 *
 * The hot loop of decoding: one call per column into the encoders that
 * type.c chose when the relation's plan was built.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "utils/memutils.h"

#include "compat/values.h"
#include "plugin/row.h"

/*
 * Values of at least this size are encoded in a memory context of their own.
 */
#define LARGE_VALUE (64 * 1024)

/*
 * A toasted value that the reorder buffer has put together again is reached
 * through a pointer, and detoasting that would copy it.
 */
Datum
etf_follow_indirect(Datum value)
{
	struct varatt_indirect indirect;

	if (!VARATT_IS_EXTERNAL_INDIRECT(DatumGetPointer(value)))
		return value;
	VARATT_EXTERNAL_GET_POINTER(indirect, DatumGetPointer(value));
	return PointerGetDatum(indirect.pointer);
}

static inline bool
is_large(Datum value)
{
	return !VARATT_IS_SHORT(DatumGetPointer(value)) &&
		   toast_raw_datum_size(value) >= LARGE_VALUE;
}

/*
 * What encoding a large value leaves behind does not wait for the end of the
 * row: a few MB of compressed values can be many GB.
 */
static void
put_large(TermOut *out, const EtfType *type, Datum value)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "pg_etf_decoding value", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	etf_put_value(out, type, value);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

static void
put_varlena(TermOut *out, const EtfType *type, Datum value)
{
	if (VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
	{
		etf_put_atom(out, "unchanged_toast");
		return;
	}
	value = etf_follow_indirect(value);
	if (unlikely(is_large(value)))
		put_large(out, type, value);
	else
		etf_put_value(out, type, value);
}

static void
put_column(TermOut *out, const EtfType *type, Datum value)
{
	if (type->typlen == -1)
		put_varlena(out, type, value);
	else
		etf_put_value(out, type, value);
}

static inline void
put_field(TermOut *out, const EtfField *field, const EtfTuple *tuple)
{
	if (tuple->nulls[field->attindex])
		etf_put_null(out);
	else
		put_column(out, field->type, tuple->values[field->attindex]);
}

void
etf_put_row(TermOut *out, const EtfField *fields, int nfields,
			const EtfTuple *tuple, const EtfField **current)
{
	const bool as_map = out->forms->rows == ROWS_MAP;

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
		put_field(out, field, tuple);
	}
}

static int
count_changed(const EtfField *fields, int nfields, const bool *unchanged)
{
	int count = 0;

	for (const EtfField *field = fields; field < fields + nfields; field++)
		count += !unchanged[field->attindex];
	return count;
}

void
etf_put_changed_row(TermOut *out, const EtfField *fields, int nfields,
					const EtfTuple *tuple, const bool *unchanged,
					const EtfField **current)
{
	const bool as_map = out->forms->rows == ROWS_MAP;

	if (as_map)
		etf_put_map(out, count_changed(fields, nfields, unchanged));
	else
		etf_put_tuple(out, nfields);

	for (const EtfField *field = fields; field < fields + nfields; field++)
	{
		bool left_out = unchanged[field->attindex];

		*current = field;
		if (as_map && !left_out)
			etf_put_small(out, field->key, field->key_len);
		if (!left_out)
			put_field(out, field, tuple);
		else if (!as_map)
			etf_put_atom(out, "unchanged");
	}
}
