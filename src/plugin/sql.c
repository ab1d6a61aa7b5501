/*
 * sql.c
 *		SQL: etf_encode(anyelement, text[]) returns bytea
 *
 * The same encoders as for replication, for people who want to look and for
 * tests.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include <ei.h>

#include "compat.h"
#include "plugin/sql.h"
#include "plugin/value.h"

/* Kept in fn_extra from call to call of one query. */
typedef struct EncodeState
{
	MemoryContext context; /* holds all of this */
	ArrayType *given;	   /* the options argument that was parsed */
	EtfOptions *options;
	const EtfType *type;
} EncodeState;

/* "name=value" strings to what START_REPLICATION would give. */
static List *
option_elements(ArrayType *array)
{
	List *elements = NIL;
	Datum *items;
	bool *nulls;
	int count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls,
					  &count);
	for (int i = 0; i < count; i++)
	{
		char *name;
		char *value;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("an option must not be null")));
		name = TextDatumGetCString(items[i]);
		value = strchr(name, '=');
		if (value != NULL)
			*value++ = '\0';
		elements = lappend(
			elements,
			makeDefElem(name, value == NULL ? NULL : (Node *) makeString(value),
						-1));
	}
	return elements;
}

static EncodeState *
make_state(FunctionCallInfo fcinfo, ArrayType *given)
{
	MemoryContext context = AllocSetContextCreate(
		fcinfo->flinfo->fn_mcxt, "etf_encode", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	EncodeState *state = palloc0(sizeof(EncodeState));
	EtfTypeBuilder builder = {.options = NULL};

	state->context = context;
	state->given = (ArrayType *) PG_DETOAST_DATUM_COPY(PointerGetDatum(given));
	builder.options = state->options =
		etf_options_parse(option_elements(given));
	state->type =
		etf_type_build(&builder, get_fn_expr_argtype(fcinfo->flinfo, 0), -1);
	MemoryContextSwitchTo(caller);
	return state;
}

static const EncodeState *
get_state(FunctionCallInfo fcinfo, ArrayType *given)
{
	EncodeState *state = fcinfo->flinfo->fn_extra;

	if (state != NULL && VARSIZE(state->given) == VARSIZE(given) &&
		memcmp(state->given, given, VARSIZE(given)) == 0)
		return state;
	if (state != NULL)
		MemoryContextDelete(state->context);
	fcinfo->flinfo->fn_extra = NULL;
	state = make_state(fcinfo, given);
	fcinfo->flinfo->fn_extra = state;
	return state;
}

PG_FUNCTION_INFO_V1(etf_encode);

Datum
etf_encode(PG_FUNCTION_ARGS)
{
	const EncodeState *state;
	StringInfoData buf;
	EtfOut out = ETF_OUT(&buf, NULL);

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("options must not be null")));
	state = get_state(fcinfo, PG_GETARG_ARRAYTYPE_P(1));
	out.options = state->options;
	initStringInfo(&buf);
	buf.len = VARHDRSZ;
	ei_encode_version(buf.data, &buf.len);
	if (PG_ARGISNULL(0))
		etf_put_null(&out);
	else
		etf_put_value(&out, state->type, PG_GETARG_DATUM(0));
	SET_VARSIZE(buf.data, buf.len);
	PG_RETURN_BYTEA_P(buf.data);
}
