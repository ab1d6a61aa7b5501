/*
 * arguments.c
 *		What SQL callers give as arrays of text.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"

#include "sql/arguments.h"

TextArray
etf_text_array(ArrayType *array, const char *what)
{
	TextArray result = {.columns = 0};
	Datum *items;
	bool *nulls;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls,
					  &result.count);
	result.items = palloc(sizeof(char *) * Max(result.count, 1));
	if (ARR_NDIM(array) > 0)
		result.columns = ARR_DIMS(array)[ARR_NDIM(array) - 1];
	for (int i = 0; i < result.count; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", what)));
		result.items[i] = TextDatumGetCString(items[i]);
	}
	return result;
}

EtfOptions *
etf_options_from_array(ArrayType *array)
{
	TextArray given = etf_text_array(array, "an option");
	List *elements = NIL;

	for (int i = 0; i < given.count; i++)
	{
		char *value = strchr(given.items[i], '=');
		Node *argument = NULL;

		if (value != NULL)
		{
			*value = '\0';
			argument = (Node *) makeString(value + 1);
		}
		elements = lappend(elements, makeDefElem(given.items[i], argument, -1));
	}
	return etf_options_parse(elements);
}
