/*
 * decode_sql.c
 *		SQL: etf_decode(bytea, anyelement) returns anyelement
 *
 * What LANGUAGE elixir makes of a result, for people who want to look and for
 * tests: the counterpart of etf_encode().
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "beam/decode.h"
#include "beam/fail.h"
#include "beam/sql.h"
#include "compat/values.h"
#include "plugin/catalog_changes.h"

/* Kept from call to call of one query. */
typedef struct Plan
{
	uint64 changes; /* of the catalogs, before it was made */
	const DecodeType *type;
} Plan;

static const DecodeType *
get_type(FmgrInfo *flinfo)
{
	Plan *plan = flinfo->fn_extra;
	MemoryContext caller;

	if (plan != NULL && plan->changes == catalog_changes())
		return plan->type;
	caller = MemoryContextSwitchTo(flinfo->fn_mcxt);
	plan = palloc(sizeof(Plan));
	plan->changes = catalog_changes();
	plan->type = decode_type_build(get_fn_expr_argtype(flinfo, 1), -1);
	catalog_watch(decode_type_relations(plan->type, NIL));
	flinfo->fn_extra = plan;
	MemoryContextSwitchTo(caller);
	return plan->type;
}

PG_FUNCTION_INFO_V1(etf_decode);

Datum
etf_decode(PG_FUNCTION_ARGS)
{
	const DecodeType *type = get_type(fcinfo->flinfo);
	Decoding in = {.function = "etf_decode", .type = type};
	struct varlena *bytes;
	Datum value;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	bytes = PG_GETARG_BYTEA_PP(0);
	term_read_init(&in.reader, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	if (!term_read_version(&in.reader))
		fail_protocol("etf_decode", in.reader.error);
	in.start = term_offset(&in.reader);
	value = decode_value(&in, type, &fcinfo->isnull);
	if (!term_at_end(&in.reader))
		fail_protocol("etf_decode", "more bytes follow the term");
	return value;
}
