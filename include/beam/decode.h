/*
 * decode.h
 *		Terms as values of SQL types: the way back of the encoders.
 *
 *		type = decode_type_build(typid, typmod);
 *		Decoding in = {.function = "Shop.Price.price/2", .type = type};
 *
 *		term_read_init(&in.reader, bytes, len);
 *		value = decode_value(&in, type, &isnull);
 *
 * Takes what the encoders write with the options of dialect elixir, and what
 * else says the same in Elixir: an integer for a numeric, an atom for a label,
 * a tuple or a map with atom keys for a composite, text for every type that
 * has no number or boolean.  The atom nil is NULL.
 *
 * A term that is no value of the type is an ERROR that shows both:
 *		42804	it is of another kind
 *		22003	a number is out of range
 *		others	of the type's own input function
 * So is data that are no term: 08P01.
 */
#ifndef ETF_DECODE_H
#define ETF_DECODE_H

#include "access/tupdesc.h"
#include "fmgr.h"

#include "common/term/read.h"

typedef struct DecodeType DecodeType;

/* One term that is read, and who made it. */
typedef struct Decoding
{
	TermReader reader;
	const char *function;	/* as messages name it */
	const DecodeType *type; /* of the whole term */
	size_t start;			/* where it begins; set by decode_value's callers */
} Decoding;

/*
 * All look-ups in the catalogs happen here.  Lives in the current memory
 * context, like all that is allocated for it later.
 */
extern DecodeType *decode_type_build(Oid typid, int32 typmod);

/* A row of this shape, as decode_row reads it; the shape is copied. */
extern DecodeType *decode_row_build(TupleDesc tupdesc);

/* The next term.  What it leaves behind is in the current memory context. */
extern Datum decode_value(Decoding *in, const DecodeType *type, bool *isnull);

/*
 * The next term as a row: a map or tuple of columns; false for nil.  Columns
 * that a map does not have keep what is in values and nulls.
 */
extern bool decode_row(Decoding *in, const DecodeType *type, Datum *values,
					   bool *nulls);

/* The tables whose rows are part of it: when one changes, it is stale. */
extern List *decode_type_relations(const DecodeType *type, List *relations);

#endif
