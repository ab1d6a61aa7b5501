/*
 * options.c
 *		SQL: etf_options() returns setof (name, default_value, valid, help)
 */
#include "postgres.h"

#include "funcapi.h"

#include "plugin/options.h"
#include "plugin/sql.h"

PG_FUNCTION_INFO_V1(etf_options_list);

Datum
etf_options_list(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	const EtfOption *option;
	char *columns[4];
	HeapTuple tuple;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc desc;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		get_call_result_type(fcinfo, NULL, &desc);
		call->attinmeta = TupleDescGetAttInMetadata(desc);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	option = etf_option((int) call->call_cntr);
	if (option == NULL)
		SRF_RETURN_DONE(call);
	columns[0] = unconstify(char *, option->name);
	columns[1] = unconstify(char *, option->fallback);
	columns[2] = etf_option_valid_values(option);
	columns[3] = unconstify(char *, option->help);
	tuple = BuildTupleFromCStrings(call->attinmeta, columns);
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(tuple));
}
