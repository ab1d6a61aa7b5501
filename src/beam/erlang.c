/*
 * erlang.c
 *		SQL: erlang_call and its kin.
 *
 * Each function reads its arguments, lets remote.c do what they say, and makes
 * a value of what came back.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

#include "beam/after_commit.h"
#include "beam/arguments.h"
#include "beam/decode.h"
#include "beam/etf_type.h"
#include "beam/json.h"
#include "beam/packet.h"
#include "beam/remote.h"
#include "beam/sql.h"
#include "common/term/read.h"
#include "compat/backend.h"
#include "plugin/catalog_changes.h"

/* An argument that must not be NULL. */
static char *
text_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

/* A time limit; NULL is -1. */
static int
timeout_argument(FunctionCallInfo fcinfo, int number)
{
	if (PG_ARGISNULL(number))
		return -1;
	if (PG_GETARG_INT32(number) <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("timeout_ms must be positive")));
	return PG_GETARG_INT32(number);
}

/* Node, module and function are the arguments from "first" on. */
static TermOut *
begin_call(FunctionCallInfo fcinfo, int first, RemoteCall *call, int arity)
{
	return remote_begin_call(call, text_argument(fcinfo, first, "node"),
							 text_argument(fcinfo, first + 1, "module"),
							 text_argument(fcinfo, first + 2, "function"),
							 arity);
}

static void
fail_arguments(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("args must be %s: the arguments, in their order", what)));
}

PG_FUNCTION_INFO_V1(erlang_call);

Datum
erlang_call(PG_FUNCTION_ARGS)
{
	Jsonb *args = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	RemoteCall call;
	FailBytes result;
	TermReader reader;
	TermOut *out;

	if (args == NULL || !JB_ROOT_IS_ARRAY(args) || JB_ROOT_IS_SCALAR(args))
		fail_arguments("a JSON array");
	out = begin_call(fcinfo, 0, &call, JB_ROOT_COUNT(args));
	json_put(out, args);
	result = remote_call(&call, timeout_argument(fcinfo, 4));
	term_read_init(&reader, result.bytes, result.len);
	PG_RETURN_DATUM(json_of_term(call.function, &reader));
}

/* How many elements a proper list has; -1: it is none. */
static int64
proper_length(FailBytes list)
{
	TermReader reader;
	Term term;
	Term tail;

	term_read_init(&reader, list.bytes, list.len);
	if (!term_next(&reader, &term))
		return -1;
	if (term.kind == TERM_NIL)
		return 0;
	if (term.kind == TERM_STRING)
		return term.len;
	if (term.kind != TERM_LIST)
		return -1;
	for (uint32 i = 0; i < term.count; i++)
		(void) term_skip(&reader);
	if (!term_next(&reader, &tail) || tail.kind != TERM_NIL)
		return -1;
	return term.count;
}

PG_FUNCTION_INFO_V1(erlang_call_etf);

Datum
erlang_call_etf(PG_FUNCTION_ARGS)
{
	FailBytes args;
	RemoteCall call;
	int64 arity = -1;
	TermOut *out;

	if (!PG_ARGISNULL(3))
	{
		args = etf_argument(fcinfo, 3);
		arity = proper_length(args);
	}
	if (arity < 0)
		fail_arguments("a list");
	out = begin_call(fcinfo, 0, &call, (int) arity);
	etf_put_raw(out, args.bytes, args.len);
	PG_RETURN_DATUM(
		etf_of_term(remote_call(&call, timeout_argument(fcinfo, 4))));
}

/* The plan of the result, whose type is that of the first argument. */
static const DecodeType *
result_type(FunctionCallInfo fcinfo)
{
	void **extra = arguments_extra(fcinfo);
	MemoryContext caller;

	if (*extra == NULL)
	{
		caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		*extra = decode_type_build(get_fn_expr_argtype(fcinfo->flinfo, 0), -1);
		catalog_watch(decode_type_relations(*extra, NIL));
		MemoryContextSwitchTo(caller);
	}
	return *extra;
}

PG_FUNCTION_INFO_V1(erlang_call_as);

Datum
erlang_call_as(PG_FUNCTION_ARGS)
{
	int arity = arguments_count(fcinfo, 4);
	RemoteCall call;
	FailBytes result;
	Decoding in = {.type = result_type(fcinfo)};
	TermOut *out = begin_call(fcinfo, 1, &call, arity);

	etf_put_list(out, arity);
	arguments_put(out, fcinfo, 4);
	etf_put_list_end(out);
	result = remote_call(&call, -1);
	in.function = call.function;
	term_read_init(&in.reader, result.bytes, result.len);
	return decode_value(&in, in.type, &fcinfo->isnull);
}

/* A message is what it is, or a tuple where there is more than one. */
static void
put_message(TermOut *out, FunctionCallInfo fcinfo, int first)
{
	int count = arguments_count(fcinfo, first);

	if (count != 1)
		etf_put_tuple(out, count);
	arguments_put(out, fcinfo, first);
}

PG_FUNCTION_INFO_V1(erlang_send);

Datum
erlang_send(PG_FUNCTION_ARGS)
{
	char *process = text_argument(fcinfo, 1, "process");
	RemoteCall call;

	put_message(
		remote_begin_send(&call, text_argument(fcinfo, 0, "node"), process),
		fcinfo, 2);
	remote_send(&call, process);
	PG_RETURN_VOID();
}

/* The pid stands in "allow" as the atom of no registered process can. */
#define ANY_PID "<pid>"

PG_FUNCTION_INFO_V1(erlang_send_pid);

Datum
erlang_send_pid(PG_FUNCTION_ARGS)
{
	TermReader reader;
	Term term;
	FailBytes pid = {NULL, 0};
	RemoteCall call;

	if (!PG_ARGISNULL(1))
		pid = etf_argument(fcinfo, 1);
	term_read_init(&reader, pid.bytes, pid.len);
	if (!term_next(&reader, &term) || term.kind != TERM_PID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("process must be a name or a pid")));
	put_message(
		remote_begin_send(&call, text_argument(fcinfo, 0, "node"), ANY_PID),
		fcinfo, 2);
	remote_send_pid(&call, pid);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(erlang_send_on_commit);

Datum
erlang_send_on_commit(PG_FUNCTION_ARGS)
{
	char *process = text_argument(fcinfo, 1, "process");
	RemoteCall call;

	put_message(
		remote_begin_send(&call, text_argument(fcinfo, 0, "node"), process),
		fcinfo, 2);
	after_commit_add(&call, process);
	PG_RETURN_VOID();
}

static void
connect_with_cookie(const char *name, const char *cookie)
{
	BeamNode *node = node_find_with_cookie(name, cookie);

	PG_TRY();
	{
		remote_ping(node);
	}
	PG_CATCH();
	{
		node_settle_cookie(node, false);
		PG_RE_THROW();
	}
	PG_END_TRY();
	node_settle_cookie(node, true);
}

PG_FUNCTION_INFO_V1(erlang_connect);

Datum
erlang_connect(PG_FUNCTION_ARGS)
{
	char *name = text_argument(fcinfo, 0, "node");

	if (PG_ARGISNULL(1))
		remote_ping(node_find(name));
	else
		connect_with_cookie(name, text_argument(fcinfo, 1, "cookie"));
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(erlang_ping);

/* An ERROR of the network is an answer here; no other is. */
Datum
erlang_ping(PG_FUNCTION_ARGS)
{
	BeamNode *node = node_find(text_argument(fcinfo, 0, "node"));
	MemoryContext caller = CurrentMemoryContext;
	volatile bool answers = true;

	PG_TRY();
	{
		remote_ping(node);
	}
	PG_CATCH();
	{
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_CONNECTION_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		answers = false;
	}
	PG_END_TRY();
	PG_RETURN_BOOL(answers);
}

PG_FUNCTION_INFO_V1(erlang_disconnect);

Datum
erlang_disconnect(PG_FUNCTION_ARGS)
{
	BeamNode *node = node_known(text_argument(fcinfo, 0, "node"));
	bool was_connected;

	if (node == NULL)
		PG_RETURN_BOOL(false);
	if (node->pending > 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
						errmsg("messages of this transaction wait for %s",
							   node->target->label)));
	was_connected = node->wire != NULL;
	node_forget(node);
	PG_RETURN_BOOL(was_connected);
}

static HeapTuple
node_row(const BeamNode *node, TupleDesc tupdesc)
{
	bool connected = node->wire != NULL && !node->wire->closed;
	Datum values[] = {CStringGetTextDatum(node->key.name),
					  CStringGetTextDatum(node->target->node),
					  BoolGetDatum(connected),
					  TimestampTzGetDatum(node->since),
					  Int64GetDatum(node->calls),
					  (Datum) 0};
	bool nulls[lengthof(values)] = {[3] = node->since == 0, [5] = true};

	if (node->last_error != NULL)
	{
		nulls[5] = false;
		values[5] = CStringGetTextDatum(node->last_error);
	}
	return heap_form_tuple(tupdesc, values, nulls);
}

/* All rows at once: the nodes may be gone when the second one is asked for. */
static void
start_nodes(FunctionCallInfo fcinfo)
{
	FuncCallContext *set = SRF_FIRSTCALL_INIT();
	MemoryContext caller = MemoryContextSwitchTo(set->multi_call_memory_ctx);
	List *rows = NIL;
	ListCell *cell;
	TupleDesc tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "erlang_nodes() returns rows");
	tupdesc = BlessTupleDesc(tupdesc);
	foreach (cell, node_list())
		rows = lappend(rows, node_row(lfirst(cell), tupdesc));
	set->user_fctx = rows;
	MemoryContextSwitchTo(caller);
}

PG_FUNCTION_INFO_V1(erlang_nodes);

Datum
erlang_nodes(PG_FUNCTION_ARGS)
{
	FuncCallContext *set;
	List *rows;
	HeapTuple row;

	if (SRF_IS_FIRSTCALL())
		start_nodes(fcinfo);
	set = SRF_PERCALL_SETUP();
	rows = set->user_fctx;
	if (set->call_cntr >= (uint64) list_length(rows))
		SRF_RETURN_DONE(set);
	row = list_nth(rows, (int) set->call_cntr);
	SRF_RETURN_NEXT(set, HeapTupleGetDatum(row));
}

PG_FUNCTION_INFO_V1(etf_emit);

/* What a stream of changes then delivers, exactly once with the rest. */
Datum
etf_emit(PG_FUNCTION_ARGS)
{
	char *prefix = text_argument(fcinfo, 0, "prefix");
	bool transactional = PG_ARGISNULL(2) || PG_GETARG_BOOL(2);
	StringInfoData bytes;
	TermOut out;

	PreventCommandDuringRecovery("etf_emit()");
	initStringInfo(&bytes);
	etf_out_attach(&out, &bytes, packet_forms());
	etf_put_version(&out);
	argument_put(&out, fcinfo, 1);
	PG_RETURN_LSN(log_message(prefix, out.data, out.len, transactional));
}
