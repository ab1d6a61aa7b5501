/*
 * scan_query.c
 *		Rows of a SELECT, taken from the executor one at a time.
 *
 * SPI would copy each row; the executor's slot is what row.c wants.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/snapmgr.h"

#include "compat/backend.h"
#include "sql/row_source.h"

typedef struct QueryScan
{
	RowSource source;
	QueryDesc *query;
} QueryScan;

static bool
next_row(RowSource *source, EtfTuple *row)
{
	QueryScan *scan = (QueryScan *) source;
	EState *estate = scan->query->estate;
	MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	TupleTableSlot *slot;

	ResetPerTupleExprContext(estate);
	slot = ExecProcNode(scan->query->planstate);
	if (!TupIsNull(slot) && estate->es_junkFilter != NULL)
		slot = ExecFilterJunk(estate->es_junkFilter, slot);
	MemoryContextSwitchTo(caller);
	if (TupIsNull(slot))
		return false;
	slot_getallattrs(slot);
	*row = (EtfTuple){.values = slot->tts_values, .nulls = slot->tts_isnull};
	return true;
}

static void
end_scan(RowSource *source)
{
	QueryScan *scan = (QueryScan *) source;

	ExecutorFinish(scan->query);
	ExecutorEnd(scan->query);
	FreeQueryDesc(scan->query);
}

RowSource *
etf_scan_query(const char *sql)
{
	QueryScan *scan = palloc0(sizeof(QueryScan));

	scan->source = (RowSource){.next = next_row, .end = end_scan};
	scan->query =
		CreateQueryDesc(plan_select(sql), sql, GetActiveSnapshot(),
						InvalidSnapshot, None_Receiver, NULL, NULL, 0);
	ExecutorStart(scan->query, 0);
	return &scan->source;
}
