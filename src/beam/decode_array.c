/*
 * decode_array.c
 *		Arrays from lists, those of more dimensions from nested ones.
 *
 * Where an element may itself be a list (a document, for one), lists are not
 * taken for dimensions: then an array has one.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "beam/decoders.h"

typedef struct ArrayBuilder
{
	const DecodeType *type; /* of the array */
	const DecodeType *element;
	int ndims; /* 0: not known before the first element */
	int dims[MAXDIM];
	Datum *values;
	bool *nulls;
	int count;
	int size;
} ArrayBuilder;

static void
add_element(Decoding *in, ArrayBuilder *array, const Term *term)
{
	if (array->count == array->size)
	{
		array->size = Max(array->size * 2, 16);
		array->values =
			array->values == NULL
				? palloc(array->size * sizeof(Datum))
				: repalloc(array->values, array->size * sizeof(Datum));
		array->nulls = array->nulls == NULL
						   ? palloc(array->size * sizeof(bool))
						   : repalloc(array->nulls, array->size * sizeof(bool));
	}
	array->values[array->count] =
		decode_token(in, array->element, term, &array->nulls[array->count]);
	array->count++;
}

static bool
is_list(const Term *term)
{
	return term->kind == TERM_NIL || term->kind == TERM_STRING ||
		   term->kind == TERM_LIST;
}

static void
check_length(Decoding *in, const ArrayBuilder *array, int depth, uint32 length)
{
	if (array->dims[depth] != (int) length)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s returned lists of different lengths as an array",
						in->function),
				 errdetail("One has %d elements, another one %u.",
						   array->dims[depth], length)));
}

/* The first list of a dimension says how long all of them are. */
static void
add_list(Decoding *in, ArrayBuilder *array, const Term *term, int depth)
{
	ListReader list;
	Term element;

	if (depth == MAXDIM || !list_begin(&list, term))
		decode_mismatch(in, array->type, term);
	if (array->dims[depth] < 0)
		array->dims[depth] = (int) list.count;
	check_length(in, array, depth, list.count);
	if (array->ndims == 0 && list.count == 0)
		array->ndims = depth + 1; /* beside an empty list are no elements */
	while (list_next(in, &list, &element))
	{
		bool nested = is_list(&element) && !array->element->takes_lists;

		CHECK_FOR_INTERRUPTS();
		if (array->ndims == 0 && !nested)
			array->ndims = depth + 1;
		if (nested && (array->ndims == 0 || depth + 1 < array->ndims))
			add_list(in, array, &element, depth + 1);
		else if (depth + 1 == array->ndims)
			add_element(in, array, &element);
		else
			decode_mismatch(in, array->type, term);
	}
}

static void
read_array(Decoding *in, const DecodeType *type, const Term *term,
		   ArrayBuilder *array)
{
	memset(array, 0, sizeof(ArrayBuilder));
	array->type = type;
	array->element = type->element;
	for (int i = 0; i < MAXDIM; i++)
		array->dims[i] = -1;
	add_list(in, array, term, 0);
}

Datum
decode_array(Decoding *in, const DecodeType *type, const Term *term)
{
	const DecodeType *element = type->element;
	ArrayBuilder array;
	int lower[MAXDIM];

	read_array(in, type, term, &array);
	if (array.count == 0)
		return PointerGetDatum(construct_empty_array(element->named));
	for (int i = 0; i < MAXDIM; i++)
		lower[i] = 1;
	return PointerGetDatum(construct_md_array(
		array.values, array.nulls, array.ndims, array.dims, lower,
		element->named, element->typlen, element->typbyval, element->typalign));
}

/* int2vector and oidvector: one dimension from 0 on, no NULL. */
Datum
decode_int_vector(Decoding *in, const DecodeType *type, const Term *term)
{
	StringInfoData text;
	ListReader list;
	Term element;

	if (!list_begin(&list, term))
		decode_mismatch(in, type, term);
	initStringInfo(&text);
	while (list_next(in, &list, &element))
	{
		if (element.kind != TERM_INTEGER)
			decode_mismatch(in, type, &element);
		appendStringInfo(&text, INT64_FORMAT " ", element.integer);
	}
	return decode_input(type, text.data);
}
