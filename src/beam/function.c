/*
 * function.c
 *		Functions in LANGUAGE elixir: what of the catalogs a call needs.
 *
 * One whose types are the same at every call is kept for the session, under
 * its OID and, for triggers, that of the table.  Polymorphic ones and those
 * that return what their query wants are made for each query.
 *
 * Any change of a function or type makes all of them stale, and so does
 * a change of a table whose rows take part: such changes are rare, and to
 * build one takes as long as a call.  A stale one may be in use further up the
 * stack (a domain's check may call functions), so it lives until the end of
 * the transaction.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "beam/function.h"
#include "beam/packet.h"
#include "plugin/catalog_changes.h"

typedef struct FunctionKey
{
	Oid function;
	Oid table; /* InvalidOid: not a trigger */
} FunctionKey;

typedef struct FunctionEntry
{
	FunctionKey key;
	uint64 changes;
	ElixirFunction *function; /* NULL: none yet */
} FunctionEntry;

/* What FmgrInfo keeps from call to call of a query. */
typedef struct FunctionRef
{
	uint64 changes;
	const ElixirFunction *function;
} FunctionRef;

static HTAB *functions;

static void
initialize(void)
{
	HASHCTL control = {.keysize = sizeof(FunctionKey),
					   .entrysize = sizeof(FunctionEntry)};

	functions = hash_create("functions in LANGUAGE elixir", 64, &control,
							HASH_ELEM | HASH_BLOBS);
}

char *
function_body(HeapTuple procedure)
{
	bool isnull;
	Datum source =
		SysCacheGetAttr(PROCOID, procedure, Anum_pg_proc_prosrc, &isnull);
	char *body = isnull ? pstrdup("") : TextDatumGetCString(source);
	char *end;

	body += strspn(body, " \t\r\n");
	end = body + strlen(body);
	while (end > body && strchr(" \t\r\n", end[-1]) != NULL)
		*--end = '\0';
	return body;
}

static void
build_args(ElixirFunction *function, FunctionCallInfo fcinfo,
		   const oidvector *declared)
{
	function->nargs = fcinfo->nargs;
	function->args = palloc(sizeof(EncodeType *) * Max(fcinfo->nargs, 1));
	for (int i = 0; i < fcinfo->nargs; i++)
	{
		Oid typid = i < declared->dim1 ? declared->values[i] : ANYOID;

		if (IsPolymorphicType(typid) || typid == ANYOID)
			typid = get_fn_expr_argtype(fcinfo->flinfo, i);
		if (!OidIsValid(typid))
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_DATATYPE),
					 errmsg("could not determine the type of argument %d of %s",
							i + 1, function->name)));
		function->args[i] = encode_type_build(typid, &function->relations);
	}
}

static void
build_result(ElixirFunction *function, FunctionCallInfo fcinfo)
{
	Oid typid;
	TupleDesc tupdesc;
	TypeFuncClass class = get_call_result_type(fcinfo, &typid, &tupdesc);

	if (typid == TRIGGEROID)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("%s is a trigger function: only a trigger can "
							   "call it",
							   function->name)));
	if (class == TYPEFUNC_RECORD)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("%s returns a record in a context that cannot "
							   "accept one",
							   function->name),
						errhint("Name its columns: FROM f(...) AS t(a int, b "
								"text).")));
	function->returns_void = typid == VOIDOID;
	if (function->returns_void)
		return;
	if (tupdesc != NULL)
		function->tupdesc = BlessTupleDesc(CreateTupleDescCopy(tupdesc));
	function->result = typid == RECORDOID ? decode_row_build(function->tupdesc)
										  : decode_type_build(typid, -1);
	get_typlenbyval(typid, &function->typlen, &function->by_value);
	function->relations =
		decode_type_relations(function->result, function->relations);
}

static void
build_trigger(ElixirFunction *function, Relation table)
{
	function->nargs = 1;
	function->tupdesc = CreateTupleDescCopyConstr(RelationGetDescr(table));
	function->row = encode_row_build(function->tupdesc, &function->relations);
	function->new_row = decode_row_build(function->tupdesc);
	function->relations =
		decode_type_relations(function->new_row, function->relations);
	function->relations =
		list_append_unique_oid(function->relations, RelationGetRelid(table));
}

static void
fill_in(ElixirFunction *function, FunctionCallInfo fcinfo, HeapTuple procedure,
		Relation table)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(procedure);

	function->name = function_body(procedure);
	function->returns_set = form->proretset;
	if (table != NULL)
		build_trigger(function, table);
	else
	{
		build_args(function, fcinfo, &form->proargtypes);
		build_result(function, fcinfo);
	}
	function->label = psprintf("%s/%d", function->name, function->nargs);
}

/* The context is the caller's only when all is well. */
static ElixirFunction *
build(FunctionCallInfo fcinfo, HeapTuple procedure, Relation table,
	  MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "function in LANGUAGE elixir",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ElixirFunction *function = palloc0(sizeof(ElixirFunction));

	function->context = context;
	fill_in(function, fcinfo, procedure, table);
	MemoryContextSwitchTo(caller);
	catalog_watch(function->relations);
	MemoryContextSetParent(context, parent);
	return function;
}

/* Columns that the query names: there are no OUT parameters. */
static bool
returns_any_record(HeapTuple procedure)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(procedure);

	return form->prorettype == RECORDOID &&
		   build_function_result_tupdesc_t(procedure) == NULL;
}

/* Do the types depend on the call? */
static bool
is_generic(HeapTuple procedure)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(procedure);
	const oidvector *args = &form->proargtypes;

	for (int i = 0; i < args->dim1; i++)
		if (IsPolymorphicType(args->values[i]) || args->values[i] == ANYOID)
			return true;
	return IsPolymorphicType(form->prorettype) || returns_any_record(procedure);
}

static FunctionEntry *
find_entry(Oid function, Oid table)
{
	FunctionKey key = {.function = function, .table = table};
	bool found;
	FunctionEntry *entry;

	if (functions == NULL)
		initialize();
	entry = hash_search(functions, &key, HASH_ENTER, &found);
	if (!found)
		entry->function = NULL;
	return entry;
}

static void
retire(FunctionEntry *entry)
{
	if (entry->function != NULL)
		MemoryContextSetParent(entry->function->context, TopTransactionContext);
	entry->function = NULL;
}

/* Building one may itself hear of changes: then the next call builds anew. */
static const ElixirFunction *
keep(FunctionCallInfo fcinfo, HeapTuple procedure, Relation table)
{
	Oid oid = fcinfo->flinfo->fn_oid;
	Oid relid = table != NULL ? RelationGetRelid(table) : InvalidOid;
	FunctionEntry *entry = find_entry(oid, relid);
	uint64 began = catalog_changes();
	ElixirFunction *function;

	if (entry->function != NULL && entry->changes == catalog_changes())
		return entry->function;
	retire(entry);
	function = build(fcinfo, procedure, table, TopMemoryContext);
	entry = find_entry(oid, relid);
	retire(entry);
	entry->function = function;
	entry->changes = began;
	return function;
}

static const ElixirFunction *
look_up(FunctionCallInfo fcinfo, Relation table)
{
	HeapTuple procedure =
		SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	const ElixirFunction *function;

	if (!HeapTupleIsValid(procedure))
		elog(ERROR, "cache lookup failed for function %u",
			 fcinfo->flinfo->fn_oid);
	if (table == NULL && is_generic(procedure))
		function = build(fcinfo, procedure, NULL, fcinfo->flinfo->fn_mcxt);
	else
		function = keep(fcinfo, procedure, table);
	ReleaseSysCache(procedure);
	return function;
}

static const ElixirFunction *
get(FunctionCallInfo fcinfo, Relation table)
{
	FunctionRef *ref = fcinfo->flinfo->fn_extra;
	uint64 began;

	if (ref != NULL && ref->changes == catalog_changes())
		return ref->function;
	if (ref == NULL)
		ref = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(
			fcinfo->flinfo->fn_mcxt, sizeof(FunctionRef));
	ref->changes = 0; /* should look_up raise an ERROR */
	began = catalog_changes();
	ref->function = look_up(fcinfo, table);
	ref->changes = began;
	return ref->function;
}

const ElixirFunction *
function_get(FunctionCallInfo fcinfo)
{
	return get(fcinfo, NULL);
}

const ElixirFunction *
function_get_trigger(FunctionCallInfo fcinfo, Relation table)
{
	return get(fcinfo, table);
}

TermOut *
function_begin(SidecarRequest *request, const char *kind,
			   const ElixirFunction *function, int nargs)
{
	TermOut *out = sidecar_begin(request, kind, 5, function->label);

	packet_put_text(out, function->name);
	etf_put_list(out, nargs);
	return out;
}

void
function_put_args(SidecarRequest *request, const ElixirFunction *function,
				  FunctionCallInfo fcinfo)
{
	TermOut *out = &request->out;

	for (int i = 0; i < function->nargs; i++)
		encode_put(out, function->args[i], fcinfo->args[i].value,
				   fcinfo->args[i].isnull);
	etf_put_list_end(out);
	sidecar_put_meta(request, false, 0);
}

static void
say_whose(void *label)
{
	errcontext("result of the Elixir function %s", (const char *) label);
}

Datum
function_result(const ElixirFunction *function, const DecodeType *type,
				TermReader *answer, bool *isnull)
{
	ErrorContextCallback whose = {.previous = error_context_stack,
								  .callback = say_whose,
								  .arg = unconstify(char *, function->label)};
	Decoding in = {
		.reader = *answer, .function = function->label, .type = type};
	Datum value;

	error_context_stack = &whose;
	in.start = term_offset(answer);
	value = decode_value(&in, type, isnull);
	error_context_stack = whose.previous;
	*answer = in.reader;
	return value;
}
