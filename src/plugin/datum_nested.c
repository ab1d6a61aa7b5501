/*
 * datum_nested.c
 *		Arrays, composites, records, ranges and multiranges.
 *
 * Arrays are nested lists, a level for each dimension; lower bounds are not
 * told.  int2vector and oidvector are arrays, too.  Composites are maps or
 * tuples.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "utils/array.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "common/value/range.h"
#include "compat/values.h"
#include "plugin/datum.h"

/* Composites with up to this many columns need no palloc. */
#define LOCAL_COLUMNS 32

/* Where in the array the next element is. */
typedef struct Cursor
{
	const EtfType *element;
	const int *dims;
	int ndims;
	const char *data;
	const uint8 *nulls; /* NULL: none is null */
	int index;
} Cursor;

static void
put_element(TermOut *out, Cursor *cursor)
{
	const EtfType *element = cursor->element;
	int index = cursor->index++;

	if (cursor->nulls != NULL && att_isnull(index, cursor->nulls))
	{
		etf_put_null(out);
		return;
	}
	element->encode(
		out, element,
		fetch_att(cursor->data, element->typbyval, element->typlen));
	/*
	 * If the type of an element no longer exists, not even its length is
	 * known.
	 */
	if (unlikely(out->overflow))
		return;
	cursor->data =
		att_addlength_pointer(cursor->data, element->typlen, cursor->data);
	cursor->data =
		(const char *) att_align_nominal(cursor->data, element->typalign);
}

static void
put_dimension(TermOut *out, Cursor *cursor, int dim)
{
	int length = cursor->dims[dim];

	etf_put_list(out, length);
	for (int i = 0; i < length && !out->overflow; i++)
	{
		if (dim == cursor->ndims - 1)
			put_element(out, cursor);
		else
			put_dimension(out, cursor, dim + 1);
	}
	etf_put_list_end(out);
}

void
encode_array(TermOut *out, const EtfType *type, Datum value)
{
	const ArrayType *array = DatumGetArrayTypeP(value);
	Cursor cursor = {.element = type->element,
					 .dims = ARR_DIMS(array),
					 .ndims = ARR_NDIM(array),
					 .data = ARR_DATA_PTR(array),
					 .nulls = ARR_NULLBITMAP(array)};

	if (cursor.ndims > 0)
		put_dimension(out, &cursor, 0);
	else
		etf_put_list_end(out);
}

static void
put_fields(TermOut *out, const EtfType *type, const Datum *values,
		   const bool *nulls)
{
	bool as_map =
		out->forms->rows == ROWS_MAP && out->forms->dialect != DIALECT_COMPACT;

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
put_composite(TermOut *out, const EtfType *type, HeapTupleHeader header)
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
encode_composite(TermOut *out, const EtfType *type, Datum value)
{
	put_composite(out, type, DatumGetHeapTupleHeader(value));
}

/*
 * Which type a record has is told by each value.  No table stores one, so
 * this is for etf_encode only, and may be slow.
 */
void
encode_record(TermOut *out, const EtfType *type, Datum value)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	EtfTypeBuilder builder = {.forms = out->forms};
	EtfType actual = *type;
	TupleDesc tupdesc = lookup_rowtype_tupdesc(
		HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));

	actual.tupdesc = CreateTupleDescCopyConstr(tupdesc);
	ReleaseTupleDesc(tupdesc);
	etf_fields_build(&builder, &actual);
	put_composite(out, &actual, header);
}

static unsigned
range_flags(const RangeBound *lower, const RangeBound *upper, bool empty)
{
	return (empty ? RANGE_IS_EMPTY : 0) |
		   (lower->inclusive ? RANGE_LOWER_INCLUSIVE : 0) |
		   (upper->inclusive ? RANGE_UPPER_INCLUSIVE : 0) |
		   (lower->infinite ? RANGE_LOWER_UNBOUND : 0) |
		   (upper->infinite ? RANGE_UPPER_UNBOUND : 0);
}

void
encode_range(TermOut *out, const EtfType *type, Datum value)
{
	const EtfType *element = type->element;
	RangeBound lower;
	RangeBound upper;
	bool empty;
	unsigned flags;

	range_deserialize(type->typcache, DatumGetRangeTypeP(value), &lower, &upper,
					  &empty);
	flags = range_flags(&lower, &upper, empty);
	if (etf_put_range_begin(out, flags))
		element->encode(out, element, lower.val);
	if (etf_put_range_upper(out, flags))
		element->encode(out, element, upper.val);
	etf_put_range_end(out, flags);
}

void
encode_multirange(TermOut *out, const EtfType *type, Datum value)
{
	Datum *ranges;
	int count = multirange_ranges(value, type->element->typcache, &ranges);

	etf_put_multirange(out, count);
	for (int i = 0; i < count && !out->overflow; i++)
		encode_range(out, type->element, ranges[i]);
	etf_put_list_end(out);
}
