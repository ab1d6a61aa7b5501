/*
 * row.h
 *		One row of a table as a map or a tuple.
 */
#ifndef ETF_ROW_H
#define ETF_ROW_H

#include "plugin/type.h"

/* A row as heap_deform_tuple leaves it: both by a field's attindex. */
typedef struct EtfTuple
{
	Datum *values;
	bool *nulls;
} EtfTuple;

/*
 * A TOASTed value that the WAL does not carry
 * becomes the atom unchanged_toast, one that does not fit {oversized, Bytes}.
 * "current", unless NULL, names the field being encoded: for error contexts.
 */
extern void etf_put_row(TermOut *out, const EtfField *fields, int nfields,
						const EtfTuple *tuple, const EtfField **current);

/*
 * The same without what is "unchanged", by attindex: a map lacks the key, a
 * tuple has an atom.
 */
extern void etf_put_changed_row(TermOut *out, const EtfField *fields,
								int nfields, const EtfTuple *tuple,
								const bool *unchanged,
								const EtfField **current);

/* A toasted value that the reorder buffer has put together, not its pointer. */
extern Datum etf_follow_indirect(Datum value);

#endif
