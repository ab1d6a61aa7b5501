/*
 * values.h
 *		What differs between PostgreSQL 13 and 19 in values and rows.
 */
#ifndef ETF_COMPAT_VALUES_H
#define ETF_COMPAT_VALUES_H

#include "catalog/pg_attribute.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#if PG_VERSION_NUM >= 140000
#include "utils/multirangetypes.h"
#endif
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* since 14: multiranges; the ranges' type, or InvalidOid for other types */
static inline Oid
multirange_range(Oid typid)
{
#if PG_VERSION_NUM >= 140000
	return get_multirange_range(typid);
#else
	(void) typid;
	return InvalidOid;
#endif
}

/* The ranges of a multirange; "range_cache" is their type's. */
static inline int
multirange_ranges(Datum multirange, TypeCacheEntry *range_cache, Datum **ranges)
{
#if PG_VERSION_NUM >= 140000
	int32 count;
	RangeType **items;

	multirange_deserialize(range_cache, DatumGetMultirangeTypeP(multirange),
						   &count, &items);
	*ranges = palloc(sizeof(Datum) * Max(count, 1));
	for (int i = 0; i < count; i++)
		(*ranges)[i] = RangeTypePGetDatum(items[i]);
	return count;
#else
	(void) multirange;
	(void) range_cache;
	*ranges = NULL;
	return 0;
#endif
}

/* since 14: multiranges; only called for a type that is one */
static inline Datum
multirange_of(Oid typid, TypeCacheEntry *range_cache, int count, Datum *ranges)
{
#if PG_VERSION_NUM >= 140000
	RangeType **items = palloc(sizeof(RangeType *) * Max(count, 1));

	for (int i = 0; i < count; i++)
		items[i] = DatumGetRangeTypeP(ranges[i]);
	return MultirangeTypePGetDatum(
		make_multirange(typid, range_cache, count, items));
#else
	(void) typid;
	(void) range_cache;
	(void) count;
	(void) ranges;
	return (Datum) 0;
#endif
}

/*
 * since 14: conversions need not raise an ERROR.  "dest" has room
 * for MAX_CONVERSION_GROWTH times "len", and one more.
 */
static inline bool
convert_to_utf8(FmgrInfo *function, const char *text, Size len, char *dest)
{
#if PG_VERSION_NUM >= 140000
	int32 done = DatumGetInt32(FunctionCall6(
		function, Int32GetDatum(GetDatabaseEncoding()), Int32GetDatum(PG_UTF8),
		CStringGetDatum(text), CStringGetDatum(dest),
		Int32GetDatum((int32) len), BoolGetDatum(true)));

	return (Size) done == len;
#else
	MemoryContext context = CurrentMemoryContext;
	volatile bool converted = true;

	PG_TRY();
	{
		FunctionCall5(function, Int32GetDatum(GetDatabaseEncoding()),
					  Int32GetDatum(PG_UTF8), CStringGetDatum(text),
					  CStringGetDatum(dest), Int32GetDatum((int32) len));
	}
	PG_CATCH();
	{
		int code = geterrcode();

		if (code != ERRCODE_UNTRANSLATABLE_CHARACTER &&
			code != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		converted = false;
	}
	PG_END_TRY();
	return converted;
#endif
}

/* since 16: errors can be asked for, instead of raised */
static inline RangeType *
range_of(TypeCacheEntry *cache, RangeBound *lower, RangeBound *upper,
		 bool empty)
{
#if PG_VERSION_NUM >= 160000
	return make_range(cache, lower, upper, empty, NULL);
#else
	return make_range(cache, lower, upper, empty);
#endif
}

/* since 17: the largest and the smallest interval stand for infinity */
static inline bool
interval_is_infinite(const Interval *interval)
{
#if PG_VERSION_NUM >= 170000
	return INTERVAL_NOT_FINITE(interval);
#else
	(void) interval;
	return false;
#endif
}

/* since 18: generated columns that are not stored, and so not in the WAL */
static inline bool
attribute_in_tuple(Form_pg_attribute attribute)
{
	if (attribute->attisdropped)
		return false;
#ifdef ATTRIBUTE_GENERATED_VIRTUAL
	return attribute->attgenerated != ATTRIBUTE_GENERATED_VIRTUAL;
#else
	return true;
#endif
}

/* since 19: what builds a jsonb keeps stack and result in one struct */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState JsonbBuilder;
#else
typedef struct JsonbBuilder
{
	JsonbParseState *stack;
	JsonbValue *result;
} JsonbBuilder;
#endif

static inline void
jsonb_push(JsonbBuilder *builder, JsonbIteratorToken token, JsonbValue *value)
{
#if PG_VERSION_NUM >= 190000
	pushJsonbValue(builder, token, value);
#else
	builder->result = pushJsonbValue(&builder->stack, token, value);
#endif
}

/* since 19: named differently.  What the open array or object got last. */
static inline const JsonbValue *
jsonb_latest(const JsonbBuilder *builder)
{
#if PG_VERSION_NUM >= 190000
	const JsonbValue *open = &builder->parseState->contVal;
#else
	const JsonbValue *open = &builder->stack->contVal;
#endif

	if (open->type == jbvArray)
		return &open->val.array.elems[open->val.array.nElems - 1];
	return &open->val.object.pairs[open->val.object.nPairs - 1].value;
}

/* since 19: types of these names; before, a row of a table that finds none */
#if PG_VERSION_NUM < 190000
#define OID8OID InvalidOid
#define REGDATABASEOID InvalidOid
#endif

#endif
