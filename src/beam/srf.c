/*
 * srf.c
 *		Functions that return sets.
 *
 * Rows come in packets of some hundred, one at a time, into a tuplestore:
 * work_mem is the bound of memory, and nothing of the set stays in the BEAM
 * behind what was sent.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "access/htup_details.h"

#include "beam/fail.h"
#include "beam/function.h"
#include "beam/language.h"

typedef struct SetBuilder
{
	const ElixirFunction *function;
	TupleDesc tupdesc;
	Tuplestorestate *store;
	Datum *nothing; /* a row of NULLs */
	bool *nulls;
	MemoryContext row; /* reset after each */
} SetBuilder;

static ReturnSetInfo *
check_caller(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;

	if (info == NULL || !IsA(info, ReturnSetInfo) ||
		(info->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a set was returned to a query that cannot take one")));
	return info;
}

/* Of a set of void, only how many there are. */
static Datum
next_value(const ElixirFunction *function, TermReader *rows, bool *isnull)
{
	if (!function->returns_void)
		return function_result(function, function->result, rows, isnull);
	(void) term_skip(rows);
	*isnull = false;
	return (Datum) 0;
}

static void
add_row(SetBuilder *set, TermReader *rows)
{
	const ElixirFunction *function = set->function;
	MemoryContext caller = MemoryContextSwitchTo(set->row);
	bool isnull;
	Datum value = next_value(function, rows, &isnull);

	if (function->tupdesc == NULL)
		tuplestore_putvalues(set->store, set->tupdesc, &value, &isnull);
	else if (isnull)
		tuplestore_putvalues(set->store, set->tupdesc, set->nothing,
							 set->nulls);
	else
	{
		HeapTupleHeader header = DatumGetHeapTupleHeader(value);
		HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header),
							   .t_data = header};

		tuplestore_puttuple(set->store, &tuple);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextReset(set->row);
}

/* A list of small integers comes as a string. */
static void
add_bytes(SetBuilder *set, const Term *string)
{
	for (uint32 i = 0; i < string->len; i++)
	{
		uint8_t integer[] = {97, string->bytes[i]}; /* SMALL_INTEGER_EXT */
		TermReader reader;

		term_read_init(&reader, integer, sizeof(integer));
		add_row(set, &reader);
	}
}

static void
add_rows(void *arg, TermReader *rows)
{
	SetBuilder *set = arg;
	Term list;

	if (!term_next(rows, &list) ||
		(list.kind != TERM_LIST && list.kind != TERM_STRING &&
		 list.kind != TERM_NIL))
		fail_protocol("the sidecar", "rows that are no list");
	if (list.kind == TERM_STRING)
		add_bytes(set, &list);
	for (uint32 i = 0; list.kind == TERM_LIST && i < list.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_row(set, rows);
	}
}

static TupleDesc
shape_of(const ElixirFunction *function, Oid typid)
{
	TupleDesc tupdesc;

	if (function->tupdesc != NULL)
		return CreateTupleDescCopy(function->tupdesc);
	tupdesc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(tupdesc, 1, "value", typid, -1, 0);
	return tupdesc;
}

/* What outlives the call is the query's. */
static void
begin_set(SetBuilder *set, FunctionCallInfo fcinfo, ReturnSetInfo *info)
{
	MemoryContext caller =
		MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	Oid typid;

	get_call_result_type(fcinfo, &typid, NULL);
	set->function = function_get(fcinfo);
	set->tupdesc = shape_of(set->function, typid);
	set->store = tuplestore_begin_heap(
		(info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	info->returnMode = SFRM_Materialize;
	info->setResult = set->store;
	info->setDesc = set->tupdesc;
	MemoryContextSwitchTo(caller);
}

Datum
elixir_call_set(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *info = check_caller(fcinfo);
	SetBuilder set = {0};
	SidecarRequest request;

	begin_set(&set, fcinfo, info);
	set.nothing = palloc0(sizeof(Datum) * set.tupdesc->natts);
	set.nulls = palloc(sizeof(bool) * set.tupdesc->natts);
	memset(set.nulls, true, sizeof(bool) * set.tupdesc->natts);
	set.row = AllocSetContextCreate(CurrentMemoryContext, "row of a set",
									ALLOCSET_DEFAULT_SIZES);
	function_begin(&request, "stream", set.function, set.function->nargs);
	function_put_args(&request, set.function, fcinfo);
	sidecar_ask_rows(&request, add_rows, &set);
	MemoryContextDelete(set.row);
	fcinfo->isnull = true;
	return (Datum) 0;
}
