/*
 * code.c
 *		SQL: elixir_functions(), elixir_load_code(): the code of the sidecar.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "beam/answer.h"
#include "beam/fail.h"
#include "beam/packet.h"
#include "beam/settings.h"
#include "beam/sidecar.h"
#include "beam/sql.h"

#define FUNCTION_COLUMNS 4

/* A text, or nil. */
static Datum
next_text(TermReader *reader, bool *null)
{
	Term term;

	*null = false;
	if (!term_next(reader, &term))
		answer_bad(reader, "a list that is cut");
	if (term.kind == TERM_BINARY)
		return CStringGetTextDatum(
			fail_text((FailBytes){term.bytes, term.len}));
	*null = true;
	return (Datum) 0;
}

/* A proper list; the reader then stands in front of its first element. */
static uint32
next_list(TermReader *reader)
{
	Term list;

	if (!term_next(reader, &list) ||
		(list.kind != TERM_LIST && list.kind != TERM_NIL))
		answer_bad(reader, "no list");
	return list.kind == TERM_LIST ? list.count : 0;
}

/* {Name, Arity, Module, Doc, Sql}, of which the last one is left out. */
static Datum
next_function(TermReader *reader, TupleDesc desc)
{
	Datum values[FUNCTION_COLUMNS];
	bool nulls[FUNCTION_COLUMNS] = {false};
	int64 arity;

	if (!term_next_tuple(reader, 5, "no {Name, Arity, Module, Doc, Sql}"))
		answer_bad(reader, "no tuple");
	values[0] = next_text(reader, &nulls[0]);
	if (!term_next_int64(reader, &arity, "an arity that is no integer"))
		answer_bad(reader, "no arity");
	values[1] = Int32GetDatum((int32) arity);
	values[2] = next_text(reader, &nulls[2]);
	values[3] = next_text(reader, &nulls[3]);
	if (!term_skip(reader))
		answer_bad(reader, "no declaration");
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/* Lives as long as the query calls for rows. */
static TermReader *
ask_functions(void)
{
	TermReader *reader = palloc(sizeof(TermReader));
	SidecarRequest request;

	sidecar_begin(&request, "functions", 3, "elixir_functions()");
	etf_put_atom(&request.out, "nil");
	sidecar_ask(&request, reader);
	return reader;
}

static void
begin_functions(FunctionCallInfo fcinfo)
{
	FuncCallContext *call = SRF_FIRSTCALL_INIT();
	MemoryContext caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);

	if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) !=
		TYPEFUNC_COMPOSITE)
		elog(ERROR, "elixir_functions returns rows");
	call->tuple_desc = BlessTupleDesc(call->tuple_desc);
	call->user_fctx = ask_functions();
	call->max_calls = next_list(call->user_fctx);
	MemoryContextSwitchTo(caller);
}

PG_FUNCTION_INFO_V1(elixir_functions);

Datum
elixir_functions(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;

	if (SRF_IS_FIRSTCALL())
		begin_functions(fcinfo);
	call = SRF_PERCALL_SETUP();
	if (call->call_cntr >= call->max_calls)
		SRF_RETURN_DONE(call);
	SRF_RETURN_NEXT(call, next_function(call->user_fctx, call->tuple_desc));
}

static void
check_loading(void)
{
	if (!superuser())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be superuser to load code")));
	if (!elixir.allow_load_code)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the sidecar does not take code"),
						errhint("Set elixir.allow_load_code, reload, and call "
								"elixir_restart(); or name files in "
								"elixir.code_path.")));
}

PG_FUNCTION_INFO_V1(elixir_load_code);

Datum
elixir_load_code(PG_FUNCTION_ARGS)
{
	SidecarRequest request;
	TermReader reader;
	Datum *names;
	uint32 count;
	bool null;

	check_loading();
	sidecar_begin(&request, "load", 4, "elixir_load_code()");
	packet_put_text(&request.out, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	packet_put_text(&request.out, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	sidecar_ask(&request, &reader);
	count = next_list(&reader);
	names = palloc(sizeof(Datum) * Max(count, 1));
	for (uint32 i = 0; i < count; i++)
		names[i] = next_text(&reader, &null);
	PG_RETURN_ARRAYTYPE_P(
		construct_array(names, (int) count, TEXTOID, -1, false, TYPALIGN_INT));
}
