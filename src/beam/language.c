/*
 * language.c
 *		LANGUAGE elixir: calls, CREATE FUNCTION, DO.
 *
 * The body of a function is the name under which Elixir registered it.  What
 * a call leaves behind is in a context of its own; only the result goes to
 * the caller's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "beam/function.h"
#include "beam/language.h"
#include "beam/packet.h"
#include "beam/settings.h"
#include "beam/sql.h"

/* CREATE FUNCTION does not wait longer for a sidecar that does not answer. */
#define CHECK_TIMEOUT_MS 2000

#define MAX_NAME 512

static Datum
ask(const ElixirFunction *function, FunctionCallInfo fcinfo)
{
	SidecarRequest request;
	TermReader answer;

	function_begin(&request, "call", function, function->nargs);
	function_put_args(&request, function, fcinfo);
	sidecar_ask(&request, &answer);
	if (function->returns_void)
		return (Datum) 0;
	return function_result(function, function->result, &answer,
						   &fcinfo->isnull);
}

static Datum
call(FunctionCallInfo fcinfo)
{
	const ElixirFunction *function = function_get(fcinfo);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "call of LANGUAGE elixir",
							  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Datum result = ask(function, fcinfo);

	MemoryContextSwitchTo(caller);
	if (!fcinfo->isnull && !function->returns_void && !function->by_value)
		result = datumCopy(result, false, function->typlen);
	MemoryContextDelete(context);
	return result;
}

PG_FUNCTION_INFO_V1(elixir_call_handler);

Datum
elixir_call_handler(PG_FUNCTION_ARGS)
{
	if (CALLED_AS_TRIGGER(fcinfo))
		return elixir_call_trigger(fcinfo);
	if (CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("event triggers cannot be written in Elixir")));
	if (fcinfo->resultinfo != NULL && fcinfo->flinfo->fn_retset)
		return elixir_call_set(fcinfo);
	return call(fcinfo);
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		   (c >= '0' && c <= '9') || c == '_';
}

/* Names with points between them; the last one may end with ? or !. */
static bool
is_name(const char *name)
{
	bool begins = true;
	const char *p;

	for (p = name; *p != '\0'; p++)
	{
		if ((*p == '?' || *p == '!') && p[1] == '\0' && !begins)
			return true;
		if (*p == '.' ? begins
					  : !is_name_char(*p) || (begins && *p >= '0' && *p <= '9'))
			return false;
		begins = *p == '.';
	}
	return !begins && p - name <= MAX_NAME;
}

/* Window functions are not given their arguments: they would all be NULL. */
static void
check_kind(Form_pg_proc form)
{
	if (form->prokind == PROKIND_WINDOW)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("window functions cannot be written in Elixir")));
}

static void
check_types(Form_pg_proc form)
{
	Oid result = form->prorettype;
	char kind = get_typtype(result);

	if (kind == TYPTYPE_PSEUDO && result != VOIDOID && result != RECORDOID &&
		result != TRIGGEROID && !IsPolymorphicType(result))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("functions in LANGUAGE elixir cannot return %s",
							   format_type_be(result))));
	for (int i = 0; i < form->pronargs; i++)
	{
		Oid typid = form->proargtypes.values[i];

		if (get_typtype(typid) == TYPTYPE_PSEUDO && typid != ANYOID &&
			typid != RECORDOID && !IsPolymorphicType(typid))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("functions in LANGUAGE elixir cannot take %s",
							format_type_be(typid))));
	}
}

/* Any arity will do where the call decides how many arguments there are. */
static int
arity_of(Form_pg_proc form)
{
	if (form->prorettype == TRIGGEROID)
		return 1;
	return form->provariadic == ANYOID ? -1 : form->pronargs;
}

static void
ask_check(const char *name, int arity)
{
	SidecarRequest request;
	TermReader answer;
	TermOut *out = sidecar_begin(&request, "check", 4, name);

	packet_put_text(out, name);
	etf_put_int(out, arity);
	request.timeout_ms = CHECK_TIMEOUT_MS;
	sidecar_ask(&request, &answer);
}

/* Nobody answers: that is not for CREATE FUNCTION to complain about. */
static bool
is_absence(int code)
{
	return ERRCODE_TO_CATEGORY(code) == ERRCODE_CONNECTION_EXCEPTION ||
		   code == ERRCODE_CANNOT_CONNECT_NOW;
}

static void
check_function(const char *name, int arity)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		ask_check(name, arity);
	}
	PG_CATCH();
	{
		if (!is_absence(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		ereport(DEBUG1, (errmsg("%s was not checked: no sidecar runs", name)));
	}
	PG_END_TRY();
}

static void
validate(HeapTuple procedure)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(procedure);
	char *body = function_body(procedure);

	check_kind(form);
	check_types(form);
	if (!is_name(body))
		ereport(
			ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("\"%s\" is no name of an Elixir function",
					pnstrdup(body, pg_mbcliplen(body, strlen(body), MAX_NAME))),
			 errhint("The body is a name alone: AS "
					 "'Shop.Price.price'.")));
	if (check_function_bodies)
		check_function(body, arity_of(form));
}

PG_FUNCTION_INFO_V1(elixir_validator);

Datum
elixir_validator(PG_FUNCTION_ARGS)
{
	Oid oid = PG_GETARG_OID(0);
	HeapTuple procedure;

	if (!CheckFunctionValidatorAccess(fcinfo->flinfo->fn_oid, oid))
		PG_RETURN_VOID();
	procedure = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));
	if (!HeapTupleIsValid(procedure))
		elog(ERROR, "cache lookup failed for function %u", oid);
	validate(procedure);
	ReleaseSysCache(procedure);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(elixir_inline_handler);

/* The BEAM decides again: it may be somebody else's. */
Datum
elixir_inline_handler(PG_FUNCTION_ARGS)
{
	InlineCodeBlock *block = (InlineCodeBlock *) PG_GETARG_POINTER(0);
	SidecarRequest request;
	TermReader answer;

	if (!elixir.allow_load_code)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("DO LANGUAGE elixir is not allowed"),
						errhint("It needs elixir.allow_load_code.")));
	packet_put_text(sidecar_begin(&request, "eval", 4, "DO"),
					block->source_text);
	sidecar_put_meta(&request, false, 0);
	sidecar_ask(&request, &answer);
	PG_RETURN_VOID();
}
