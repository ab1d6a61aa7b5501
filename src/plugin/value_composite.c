/*
 * value_composite.c
 *		Composites and records, as a map or a tuple.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/typcache.h"

#include "plugin/encoders.h"

/* Composites with so many columns need no palloc. */
#define LOCAL_COLUMNS 32

static void
put_fields(EtfOut *out, const EtfType *type, const Datum *values,
		   const bool *nulls)
{
	bool as_map = out->options->rows == ROWS_MAP &&
				  out->options->dialect != DIALECT_COMPACT;

	if (as_map)
		etf_put_map(out, type->nfields);
	else
		etf_put_tuple(out, type->nfields);

	for (int i = 0; i < type->nfields; i++)
	{
		const EtfField *field = &type->fields[i];

		if (as_map)
			etf_put_small(out, field->key, field->key_len);
		if (nulls[field->attindex])
			etf_put_null(out);
		else
			field->type->encode(out, field->type, values[field->attindex]);
	}
}

/*
 * A value may be older than the type: heap_deform_tuple gives columns added
 * since their default or NULL.
 */
static void
put_composite(EtfOut *out, const EtfType *type, HeapTupleHeader header)
{
	int natts = type->tupdesc->natts;
	HeapTupleData tuple = {.t_data = header,
						   .t_len = HeapTupleHeaderGetDatumLength(header)};
	Datum local_values[LOCAL_COLUMNS];
	bool local_nulls[LOCAL_COLUMNS];
	Datum *values = local_values;
	bool *nulls = local_nulls;

	ItemPointerSetInvalid(&tuple.t_self);
	if (natts > LOCAL_COLUMNS)
	{
		values = palloc(natts * sizeof(Datum));
		nulls = palloc(natts * sizeof(bool));
	}
	heap_deform_tuple(&tuple, type->tupdesc, values, nulls);
	put_fields(out, type, values, nulls);
}

void
encode_composite(EtfOut *out, const EtfType *type, Datum value)
{
	put_composite(out, type, DatumGetHeapTupleHeader(value));
}

/*
 * Which type a record has is told by each value.  No table stores one, so
 * this is for etf_encode only, and may be slow.
 */
void
encode_record(EtfOut *out, const EtfType *type, Datum value)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	EtfTypeBuilder builder = {.options = out->options};
	EtfType actual = *type;
	TupleDesc tupdesc = lookup_rowtype_tupdesc(
		HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));

	actual.tupdesc = CreateTupleDescCopyConstr(tupdesc);
	ReleaseTupleDesc(tupdesc);
	etf_fields_build(&builder, &actual);
	put_composite(out, &actual, header);
}
