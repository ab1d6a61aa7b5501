/*
 * row.h
 *		One row of a table as a map or a tuple.
 */
#ifndef ETF_ROW_H
#define ETF_ROW_H

#include "plugin/value.h"

/*
 * "values" and "nulls" are indexed by a field's attindex, as
 * heap_deform_tuple leaves them.  A TOASTed value that the WAL does not carry
 * becomes the atom unchanged_toast, one that does not fit {oversized, Bytes}.
 * "current", unless NULL, names the field being encoded: for error contexts.
 */
extern void etf_put_row(EtfOut *out, const EtfField *fields, int nfields,
						const Datum *values, const bool *nulls, bool as_map,
						const EtfField **current);

#endif
