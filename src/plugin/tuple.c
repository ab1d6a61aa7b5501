/*
 * tuple.c
 *		The rows of a change, before they become terms.
 *
 * Between change.c, which has the change and its plan, and row.c, which
 * encodes what comes out of here.
 */
#include "postgres.h"

#include "utils/datum.h"

#include "compat/decoding.h"
#include "compat/values.h"
#include "plugin/tuple.h"

static int
action_of(const ReorderBufferChange *change)
{
	switch (change->action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			return ACTION_INSERT;
		case REORDER_BUFFER_CHANGE_UPDATE:
			return ACTION_UPDATE;
		case REORDER_BUFFER_CHANGE_DELETE:
			return ACTION_DELETE;
		default:
			return 0;
	}
}

/* relation.c does not hand out a plan whose arrays are too small for "desc". */
static const EtfTuple *
deform(const EtfPlan *plan, TupleDesc desc, HeapTuple tuple,
	   const EtfTuple *into)
{
	Assert(desc->natts == plan->natts);
	if (tuple == NULL)
		return NULL;
	heap_deform_tuple(tuple, desc, into->values, into->nulls);
	return into;
}

/*
 * The WAL does not repeat a toasted value that stayed the same, but what an
 * old row has of it is always there in full.  A column that is not part of
 * the identity is NULL in an old key, which says nothing, so nothing is
 * taken from there.
 */
static void
fill_unchanged(const EtfPlan *plan, const EtfRowEvent *event)
{
	const EtfTuple *old_row = event->old_row;
	const EtfTuple *new_row = event->new_row;

	for (int i = 0; i < plan->nfields; i++)
	{
		int at = plan->fields[i].attindex;

		if (plan->fields[i].type->typlen == -1 && !new_row->nulls[at] &&
			!old_row->nulls[at] &&
			VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(new_row->values[at])))
			new_row->values[at] = old_row->values[at];
	}
}

/* Values that lie elsewhere are the same only if they lie in one place. */
static bool
is_same(Form_pg_attribute attribute, Datum old_value, Datum new_value)
{
	if (attribute->attlen == -1)
	{
		old_value = etf_follow_indirect(old_value);
		new_value = etf_follow_indirect(new_value);
	}
	return datumIsEqual(old_value, new_value, attribute->attbyval,
						attribute->attlen);
}

/* Fill in plan->same; how many columns differ. */
static int
compare_rows(const EtfPlan *plan, TupleDesc desc, const EtfRowEvent *event)
{
	const EtfTuple *old_row = event->old_row;
	const EtfTuple *new_row = event->new_row;
	int differ = 0;

	for (int i = 0; i < plan->nfields; i++)
	{
		int at = plan->fields[i].attindex;
		bool same = old_row->nulls[at] == new_row->nulls[at] &&
					(new_row->nulls[at] ||
					 is_same(TupleDescAttr(desc, at), old_row->values[at],
							 new_row->values[at]));

		differ += !same;
		plan->same[at] = same && !plan->fields[i].always;
	}
	return differ;
}

/* With the whole old row it is known what an update has not changed. */
static void
leave_out_unchanged(const EtfPlan *plan, TupleDesc desc, EtfRowEvent *event)
{
	int differ;

	if (event->action != ACTION_UPDATE || event->old_row == NULL)
		return;
	differ = compare_rows(plan, desc, event);
	if (differ == 0 && plan->skip_unchanged)
		event->action = 0;
	if (plan->changed_only)
		event->unchanged = plan->same;
}

bool
etf_tuple_read(const EtfPlan *plan, TupleDesc desc,
			   const ReorderBufferChange *change, EtfRowEvent *event)
{
	HeapTuple new_tuple = change_new_tuple(change);

	event->action = action_of(change) & plan->actions;
	if (event->action == 0 ||
		(event->action != ACTION_DELETE && new_tuple == NULL))
		return false;
	event->old_row =
		deform(plan, desc, change_old_tuple(change), &plan->old_row);
	event->new_row = deform(plan, desc, new_tuple, &plan->new_row);
	if (event->action == ACTION_UPDATE && event->old_row != NULL)
		fill_unchanged(plan, event);
	if (plan->filter != NULL)
		event->action = etf_row_filter(plan->filter, event->action,
									   event->old_row, event->new_row);
	event->unchanged = NULL;
	if (plan->same != NULL)
		leave_out_unchanged(plan, desc, event);
	return event->action != 0;
}
