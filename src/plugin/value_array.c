/*
 * value_array.c
 *		Arrays as nested lists, a level for each dimension.
 *
 * Lower bounds are not told.  int2vector and oidvector are arrays, too.
 */
#include "postgres.h"

#include "access/tupmacs.h"
#include "utils/array.h"

#include "plugin/encoders.h"

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
put_element(EtfOut *out, Cursor *cursor)
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
	/* Of an element whose type is gone not even the length is known. */
	if (unlikely(out->overflow))
		return;
	cursor->data =
		att_addlength_pointer(cursor->data, element->typlen, cursor->data);
	cursor->data =
		(const char *) att_align_nominal(cursor->data, element->typalign);
}

static void
put_dimension(EtfOut *out, Cursor *cursor, int dim)
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
encode_array(EtfOut *out, const EtfType *type, Datum value)
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
