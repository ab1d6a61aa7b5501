/*
 * encode.h
 *		SQL values as terms for Elixir: all that this extension knows of the
 *		plugin's encoders.
 */
#ifndef ETF_BEAM_ENCODE_H
#define ETF_BEAM_ENCODE_H

#include "access/tupdesc.h"

#include "plugin/host.h"

typedef struct EncodeType EncodeType;

/*
 * Both look into the catalogs and live in the current memory context.
 * "relations" grows by the tables whose rows are part of the type.
 */
extern EncodeType *encode_type_build(Oid typid, List **relations);
extern EncodeType *encode_row_build(TupleDesc tupdesc, List **relations);

extern void encode_put(TermOut *out, const EncodeType *type, Datum value,
					   bool isnull);

/* A map from column to value; "values" are as heap_deform_tuple leaves them. */
extern void encode_put_row(TermOut *out, const EncodeType *row,
						   const Datum *values, const bool *nulls);

#endif
