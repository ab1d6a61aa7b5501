/*
 * tables.c
 *		SQL: etf_tables(text[], text) returns setof (relid, schema, name, ...)
 *
 * What there is to read for a reader with these options, and what keeps this
 * role from reading it: a copy of many tables should fail before it begins.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "common/option/pattern.h"
#include "plugin/sql.h"
#include "sql/reader.h"

#define COLUMNS 12

typedef struct TableList
{
	EtfOptions *options;
	const char *patterns; /* NULL: all */
	List *relids;		  /* candidates */
	int next;
} TableList;

static List *
list_ordinary_tables(void)
{
	Relation classes = table_open(RelationRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(classes, 0, NULL);
	HeapTuple tuple;
	List *relids = NIL;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relkind == RELKIND_RELATION &&
			form->relpersistence == RELPERSISTENCE_PERMANENT)
			relids = lappend_oid(relids, form->oid);
	}
	table_endscan(scan);
	table_close(classes, AccessShareLock);
	return relids;
}

static TableList *
make_list(FunctionCallInfo fcinfo)
{
	TableList *list = palloc0(sizeof(TableList));
	const char *bad = NULL;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("options must not be null")));
	list->options = etf_options_from_array(PG_GETARG_ARRAYTYPE_P(0));
	if (!PG_ARGISNULL(1))
	{
		list->patterns = text_to_cstring(PG_GETARG_TEXT_PP(1));
		bad = patterns_bad(list->patterns, 2);
		if (bad != NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("invalid pattern: \"%s\"", bad)));
	}
	list->relids = list_ordinary_tables();
	return list;
}

static int64
count_pages(Oid relid)
{
	Relation relation;
	BlockNumber pages;

	if (!OidIsValid(relid) ||
		(relation = try_relation_open(relid, AccessShareLock)) == NULL)
		return 0;
	pages = RelationGetNumberOfBlocks(relation);
	relation_close(relation, AccessShareLock);
	return pages;
}

static Datum
key_names(const TableKey *key, Relation relation)
{
	Datum names[INDEX_MAX_KEYS];

	for (int i = 0; i < key->ncolumns; i++)
		names[i] = CStringGetTextDatum(etf_key_column(key, relation, i));
	return PointerGetDatum(construct_array(names, key->ncolumns, TEXTOID, -1,
										   false, TYPALIGN_INT));
}

static Datum
make_row(TupleDesc desc, Relation relation, const EtfPlan *plan)
{
	Form_pg_class form = relation->rd_rel;
	TableKey key = etf_table_key(relation);
	const char *reason = etf_why_unreadable(plan, relation);
	Datum values[COLUMNS] = {
		ObjectIdGetDatum(RelationGetRelid(relation)),
		CStringGetTextDatum(get_namespace_name(RelationGetNamespace(relation))),
		CStringGetTextDatum(RelationGetRelationName(relation)),
		Int64GetDatum(RelationGetNumberOfBlocks(relation)),
		Int64GetDatum(count_pages(form->reltoastrelid)),
		Float8GetDatum(form->reltuples),
		key_names(&key, relation),
		CharGetDatum(form->relreplident),
		ObjectIdGetDatum(form->relfilenode),
		BoolGetDatum(reason == NULL),
		reason == NULL ? (Datum) 0 : CStringGetTextDatum(reason),
		ObjectIdGetDatum(plan->relid)};
	bool nulls[COLUMNS] = {[6] = key.ncolumns == 0, [10] = reason == NULL};

	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/*
 * By names alone, so that what is not wanted is not waited for, whoever has
 * locked it.  A partition may be told as its root.
 */
static bool
may_be_wanted(const TableList *list, Oid relid)
{
	char *schema = get_namespace_name(get_rel_namespace(relid));
	char *name = get_rel_name(relid);

	return schema != NULL && name != NULL &&
		   (list->patterns == NULL || get_rel_relispartition(relid) ||
			patterns_match_table(list->patterns, schema, name));
}

/* False: not one of those that are wanted, or gone meanwhile. */
static bool
describe_table(const TableList *list, Oid relid, TupleDesc desc, Datum *row)
{
	Relation relation = may_be_wanted(list, relid)
							? try_relation_open(relid, AccessShareLock)
							: NULL;
	EtfPlan plan = {.relid = relid};
	bool wanted;

	if (relation == NULL)
		return false;
	etf_plan_for_reading(list->options, &plan, relation);
	wanted = plan.actions != 0 &&
			 (list->patterns == NULL ||
			  patterns_match_table(list->patterns, plan.schema, plan.name));
	if (wanted)
		*row = make_row(desc, relation, &plan);
	relation_close(relation, AccessShareLock);
	return wanted;
}

PG_FUNCTION_INFO_V1(etf_tables);

Datum
etf_tables(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	TableList *list;
	Datum row;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext caller;

		call = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		get_call_result_type(fcinfo, NULL, &call->tuple_desc);
		call->tuple_desc = BlessTupleDesc(call->tuple_desc);
		call->user_fctx = make_list(fcinfo);
		MemoryContextSwitchTo(caller);
	}
	call = SRF_PERCALL_SETUP();
	list = call->user_fctx;
	while (list->next < list_length(list->relids))
	{
		CHECK_FOR_INTERRUPTS();
		if (describe_table(list, list_nth_oid(list->relids, list->next++),
						   call->tuple_desc, &row))
			SRF_RETURN_NEXT(call, row);
	}
	SRF_RETURN_DONE(call);
}
