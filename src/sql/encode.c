/*
 * encode.c
 *		SQL: etf_encode(anyelement, text[]) returns bytea
 *
 * The same encoders as for replication, for people who want to look and for
 * tests.
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/memutils.h"

#include "compat/values.h"
#include "plugin/catalog_changes.h"
#include "plugin/sql.h"
#include "plugin/type.h"
#include "sql/arguments.h"

/* Kept in fn_extra from call to call of one query. */
typedef struct EncodeState
{
	MemoryContext context; /* holds all of this */
	ArrayType *given;	   /* the options argument that was parsed */
	EtfOptions *options;
	uint64 changes; /* of the catalogs, before it was made */
	const EtfType *type;
} EncodeState;

static EncodeState *
make_state(FunctionCallInfo fcinfo, ArrayType *given)
{
	MemoryContext context = AllocSetContextCreate(
		fcinfo->flinfo->fn_mcxt, "etf_encode", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	EncodeState *state = palloc0(sizeof(EncodeState));
	EtfTypeBuilder builder = {.forms = NULL};

	state->context = context;
	state->given = (ArrayType *) PG_DETOAST_DATUM_COPY(PointerGetDatum(given));
	state->options = etf_options_from_array(given);
	builder.forms = &state->options->forms;
	state->changes = catalog_changes();
	state->type =
		etf_type_build(&builder, get_fn_expr_argtype(fcinfo->flinfo, 0), -1);
	catalog_watch(builder.relation_oids);
	MemoryContextSwitchTo(caller);
	return state;
}

static const EncodeState *
get_state(FunctionCallInfo fcinfo, ArrayType *given)
{
	EncodeState *state = fcinfo->flinfo->fn_extra;

	if (state != NULL && state->changes == catalog_changes() &&
		VARSIZE(state->given) == VARSIZE(given) &&
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
	TermOut out;

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("options must not be null")));
	state = get_state(fcinfo, PG_GETARG_ARRAYTYPE_P(1));
	initStringInfo(&buf);
	buf.len = VARHDRSZ;
	etf_out_attach(&out, &buf, &state->options->forms);
	etf_put_version(&out);
	if (PG_ARGISNULL(0))
		etf_put_null(&out);
	else
		etf_put_value(&out, state->type, PG_GETARG_DATUM(0));
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_BYTEA_P(out.data);
}
