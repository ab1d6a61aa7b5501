/*
 * arguments.h
 *		What SQL callers give as arrays of text.
 */
#ifndef ETF_SQL_ARGUMENTS_H
#define ETF_SQL_ARGUMENTS_H

#include "utils/array.h"

#include "plugin/options.h"

/*
 * The elements as C strings, row by row, and how many there are in all and in
 * a row.  Raises an ERROR for NULLs, which "what" is not to have.
 */
typedef struct TextArray
{
	char **items;
	int count;
	int columns; /* those of the last dimension */
} TextArray;

extern TextArray etf_text_array(ArrayType *array, const char *what);

/* "name=value" strings, as START_REPLICATION would have been given them. */
extern EtfOptions *etf_options_from_array(ArrayType *array);

#endif
