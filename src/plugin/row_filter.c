/*
 * row_filter.c
 *		The conditions that publications set on rows.
 *
 * plan.c has them built with the plan, tuple.c asks for each row.  The server
 * lets a condition use neither subqueries nor anything that is not built in
 * and immutable, so it needs no executor state, no catalogs and no snapshot.
 *
 * It is about the table that is described, and so are the places of a slot; the
 * values are taken from where the rows that come have them.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "compat/publications.h"
#include "compat/values.h"
#include "plugin/publication_rows.h"
#include "plugin/row_filter.h"

/* A column that a condition needs. */
typedef struct UsedColumn
{
	int place;	  /* in the slot */
	int attindex; /* in the row */
	bool varlena;
} UsedColumn;

struct EtfRowFilter
{
	const char *table;
	ExprState *on_insert; /* NULL: all rows pass */
	ExprState *on_update;
	ExprState *on_delete;
	ExprContext *econtext;
	TupleTableSlot *slot;
	int nused;
	UsedColumn *used; /* by any of them */
};

/* A cancelled session or a concurrent abort is reported from here, too. */
static bool
is_raised_by_condition(void)
{
	switch (ERRCODE_TO_CATEGORY(geterrcode()))
	{
		case ERRCODE_SUCCESSFUL_COMPLETION:
		case ERRCODE_WARNING:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
			return false;
		default:
			return true;
	}
}

/* Altering the publication does not help: it is read as of the change. */
static void
describe_filter(void *arg)
{
	const char *table = arg;

	errcontext("row filter of table \"%s\"", table);
	if (is_raised_by_condition())
		errhint("The row filter of table \"%s\" raises this for a row. Name "
				"other publications in \"publication_names\", or none.",
				table);
}

static void
enter(ErrorContextCallback *callback, const char *table)
{
	callback->callback = describe_filter;
	callback->arg = unconstify(char *, table);
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

static void
leave(const ErrorContextCallback *callback)
{
	error_context_stack = callback->previous;
}

/* NULL: it sets none. */
static Node *
condition_of(const Publication *publication, const EtfPublished *published)
{
	EtfPublicationTable table;

	if (publication->alltables ||
		etf_publication_covers(publication, published->relid,
							   published->snapshot) ||
		!etf_publication_table(publication, published->relid,
							   published->snapshot, &table))
		return NULL;
	return table.filter;
}

static List *
conditions_of(const EtfPublished *published)
{
	List *conditions = NIL;
	ListCell *cell;

	foreach (cell, published->publications)
		conditions = lappend(conditions, condition_of(lfirst(cell), published));
	return conditions;
}

/*
 * A row passes that passes one publication of the action; NULL: all do, since
 * one sets no condition.
 */
static Node *
condition_for(int action, const List *publications, const List *conditions)
{
	List *any = NIL;
	const ListCell *publication;
	const ListCell *condition;

	forboth(publication, publications, condition, conditions)
	{
		if (!(etf_publication_actions(lfirst(publication)) & action))
			continue;
		if (lfirst(condition) == NULL)
			return NULL;
		any = lappend(any, lfirst(condition));
	}
	return any == NIL ? NULL : (Node *) make_orclause(any);
}

static ExprState *
prepare(Node *condition, Relation described, Bitmapset **columns,
		MemoryContext scratch)
{
	MemoryContext caller;
	Expr *expression;

	if (condition == NULL)
		return NULL;
	caller = MemoryContextSwitchTo(scratch);
	condition = expand_virtual_columns(condition, described);
	expression = expression_planner((Expr *) condition);
	pull_varattnos((Node *) expression, 1, columns);
	MemoryContextSwitchTo(caller);
	/* The macro around it wants C23 since PostgreSQL 19. */
	return ExecInitExpr(copyObjectImpl(expression), NULL);
}

static void
find_used(EtfRowFilter *filter, TupleDesc desc, TupleDesc tuple,
		  const Bitmapset *columns)
{
	int column = -1;

	filter->used = palloc(sizeof(UsedColumn) * (bms_num_members(columns) + 1));
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		int place = column + FirstLowInvalidHeapAttributeNumber - 1;
		Form_pg_attribute attribute = TupleDescAttr(desc, place);

		filter->used[filter->nused++] =
			(UsedColumn){.place = place,
						 .attindex = etf_published_place(tuple, attribute),
						 .varlena = attribute->attlen == -1};
	}
}

/* Where an update's condition is another's, too, it is made once. */
static void
prepare_all(EtfRowFilter *filter, const EtfPublished *published,
			Relation described, Bitmapset **columns, MemoryContext scratch)
{
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	List *conditions = conditions_of(published);
	Node *nodes[3];

	for (int i = 0; i < 3; i++)
		nodes[i] = condition_for(ACTION_INSERT << i, published->publications,
								 conditions);
	MemoryContextSwitchTo(caller);
	filter->on_update = prepare(nodes[1], described, columns, scratch);
	filter->on_insert = equal(nodes[0], nodes[1])
							? filter->on_update
							: prepare(nodes[0], described, columns, scratch);
	filter->on_delete = equal(nodes[2], nodes[1])
							? filter->on_update
							: prepare(nodes[2], described, columns, scratch);
}

static void
make_slot(EtfRowFilter *filter, TupleDesc desc)
{
	filter->slot =
		MakeSingleTupleTableSlot(CreateTupleDescCopy(desc), &TTSOpsVirtual);
	memset(filter->slot->tts_isnull, true, desc->natts);
	filter->econtext = CreateStandaloneExprContext();
	filter->econtext->ecxt_scantuple = filter->slot;
}

EtfRowFilter *
etf_row_filter_build(const EtfPublished *published, Relation described,
					 TupleDesc tuple, MemoryContext scratch)
{
	EtfRowFilter *filter = palloc0(sizeof(EtfRowFilter));
	ErrorContextCallback callback;
	Bitmapset *columns = NULL;

	filter->table =
		psprintf("%s.%s", get_namespace_name(RelationGetNamespace(described)),
				 RelationGetRelationName(described));
	enter(&callback, filter->table);
	prepare_all(filter, published, described, &columns, scratch);
	leave(&callback);
	if (!filter->on_insert && !filter->on_update && !filter->on_delete)
		return NULL;
	make_slot(filter, RelationGetDescr(described));
	find_used(filter, RelationGetDescr(described), tuple, columns);
	return filter;
}

static bool
is_elsewhere(const UsedColumn *used, const EtfTuple *row)
{
	return used->varlena && !row->nulls[used->attindex] &&
		   VARATT_IS_EXTERNAL_ONDISK(
			   DatumGetPointer(row->values[used->attindex]));
}

/*
 * What the WAL does not repeat is in the old row, also of a column that is not
 * sent; else it counts as NULL, since it cannot be fetched.
 */
static void
fill_slot(const EtfRowFilter *filter, const EtfTuple *row,
		  const EtfTuple *old_row)
{
	TupleTableSlot *slot = filter->slot;

	ExecClearTuple(slot);
	for (int i = 0; i < filter->nused; i++)
	{
		const UsedColumn *used = &filter->used[i];
		const EtfTuple *from = row;

		if (used->attindex >= 0 && unlikely(is_elsewhere(used, row)))
			from = old_row;
		slot->tts_isnull[used->place] = used->attindex < 0 || from == NULL ||
										from->nulls[used->attindex] ||
										is_elsewhere(used, from);
		if (!slot->tts_isnull[used->place])
			slot->tts_values[used->place] = from->values[used->attindex];
	}
	ExecStoreVirtualTuple(slot);
}

static bool
passes(const EtfRowFilter *filter, ExprState *condition, const EtfTuple *row,
	   const EtfTuple *old_row)
{
	ErrorContextCallback callback;
	bool isnull;
	Datum result;

	if (condition == NULL)
		return true;
	if (row == NULL)
		return false;
	enter(&callback, filter->table);
	fill_slot(filter, row, old_row);
	ResetExprContext(filter->econtext);
	result = ExecEvalExprSwitchContext(condition, filter->econtext, &isnull);
	leave(&callback);
	return !isnull && DatumGetBool(result);
}

/* Without an old row the identity, and so what the condition is of, stayed. */
static int
filter_update(const EtfRowFilter *filter, const EtfTuple *old_row,
			  const EtfTuple *new_row)
{
	bool passes_now = passes(filter, filter->on_update, new_row, old_row);
	bool passed_before = old_row == NULL
							 ? passes_now
							 : passes(filter, filter->on_update, old_row, NULL);

	if (passed_before)
		return passes_now ? ACTION_UPDATE : ACTION_DELETE;
	return passes_now ? ACTION_INSERT : 0;
}

int
etf_row_filter(const EtfRowFilter *filter, int action, const EtfTuple *old_row,
			   const EtfTuple *new_row)
{
	if (action == ACTION_UPDATE)
		return filter_update(filter, old_row, new_row);
	if (action == ACTION_INSERT)
		return passes(filter, filter->on_insert, new_row, NULL) ? action : 0;
	return passes(filter, filter->on_delete, old_row, NULL) ? action : 0;
}

bool
etf_row_filter_uses(const EtfRowFilter *filter, int attindex)
{
	for (int i = 0; i < filter->nused; i++)
		if (filter->used[i].attindex == attindex)
			return true;
	return false;
}
