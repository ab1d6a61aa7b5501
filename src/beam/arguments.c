/*
 * arguments.c
 *		Arguments of a SQL function, of whatever types, as terms.
 *
 * The encoders are those of the output plugin, with the forms of its dialect
 * elixir: the terms are Postgrex's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "beam/arguments.h"
#include "beam/packet.h"
#include "plugin/catalog_changes.h"
#include "plugin/type.h"

/*
 * In fn_extra: a plan for each argument, made when it is first met.  Stale ones
 * stay as long, as they may be in use.
 */
typedef struct Plans
{
	uint64 changes; /* of the catalogs, before they were made */
	bool variadic;	/* the last argument is an array of arguments */
	void *extra;
	const EtfType *types[FLEXIBLE_ARRAY_MEMBER];
} Plans;

static Plans *
plans_of(FunctionCallInfo fcinfo)
{
	FmgrInfo *flinfo = fcinfo->flinfo;
	Plans *plans = flinfo->fn_extra;

	if (plans != NULL && plans->changes == catalog_changes())
		return plans;
	plans = MemoryContextAllocZero(flinfo->fn_mcxt,
								   offsetof(Plans, types) +
									   sizeof(EtfType *) * fcinfo->nargs);
	plans->changes = catalog_changes();
	plans->variadic = get_fn_expr_variadic(flinfo);
	flinfo->fn_extra = plans;
	return plans;
}

void **
arguments_extra(FunctionCallInfo fcinfo)
{
	return &plans_of(fcinfo)->extra;
}

static Oid
argument_type(FunctionCallInfo fcinfo, int number)
{
	Oid typid = get_fn_expr_argtype(fcinfo->flinfo, number);

	if (!OidIsValid(typid))
		ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_DATATYPE),
						errmsg("could not determine the type of argument %d",
							   number + 1)));
	/* A literal that nobody gave a type. */
	return typid == UNKNOWNOID ? CSTRINGOID : typid;
}

/* Of the values themselves, in an array that is VARIADIC. */
static const EtfType *
plan_of(FunctionCallInfo fcinfo, int number, bool element)
{
	Plans *plans = plans_of(fcinfo);
	EtfTypeBuilder builder = {.forms = packet_forms()};
	MemoryContext caller;
	Oid typid;

	if (plans->types[number] != NULL)
		return plans->types[number];
	typid = argument_type(fcinfo, number);
	if (element)
		typid = get_base_element_type(typid);
	caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	plans->types[number] = etf_type_build(&builder, typid, -1);
	catalog_watch(builder.relation_oids);
	MemoryContextSwitchTo(caller);
	return plans->types[number];
}

static void
put_value(TermOut *out, const EtfType *type, Datum value, bool null)
{
	if (null)
		etf_put_null(out);
	else
		etf_put_value(out, type, value);
}

void
argument_put(TermOut *out, FunctionCallInfo fcinfo, int number)
{
	put_value(out, plan_of(fcinfo, number, false), PG_GETARG_DATUM(number),
			  PG_ARGISNULL(number));
}

static bool
is_array(FunctionCallInfo fcinfo)
{
	return plans_of(fcinfo)->variadic;
}

int
arguments_count(FunctionCallInfo fcinfo, int first)
{
	ArrayType *array;

	if (!is_array(fcinfo))
		return PG_NARGS() - first;
	if (PG_ARGISNULL(first))
		return 0;
	array = PG_GETARG_ARRAYTYPE_P(first);
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

static void
put_elements(TermOut *out, FunctionCallInfo fcinfo, int first)
{
	const EtfType *type = plan_of(fcinfo, first, true);
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(first);
	int16 len;
	bool by_value;
	char align;
	Datum *values;
	bool *nulls;
	int count;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &len, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), len, by_value, align, &values,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
		put_value(out, type, values[i], nulls[i]);
}

void
arguments_put(TermOut *out, FunctionCallInfo fcinfo, int first)
{
	if (is_array(fcinfo) && !PG_ARGISNULL(first))
		put_elements(out, fcinfo, first);
	else if (!is_array(fcinfo))
		for (int i = first; i < PG_NARGS(); i++)
			argument_put(out, fcinfo, i);
}
