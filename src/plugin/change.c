/*
 * change.c
 *		Inserts, updates, deletes, truncates and messages, as events.
 *
 * Between pg_etf_decoding.c, which has the server's callbacks, and row.c.
 * Decides what goes out; relation.c knows the table, txn.c the frame.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "compat.h"
#include "plugin/change.h"
#include "plugin/filter.h"
#include "plugin/relation.h"
#include "plugin/row.h"
#include "plugin/txn.h"
#include "plugin/value.h"

/* What is being encoded: for the context of an error, and to get back. */
typedef struct EtfPlace
{
	ErrorContextCallback callback;
	MemoryContext caller;
	const char *relation;
	const EtfField *field; /* set by row.c */
} EtfPlace;

/* The server adds the slot, the callback and the LSN. */
static void
describe_place(void *arg)
{
	const EtfPlace *place = arg;

	if (place->field != NULL)
		errcontext("column \"%s\" of table \"%s\"", place->field->name,
				   place->relation);
	else if (place->relation != NULL)
		errcontext("table \"%s\"", place->relation);
}

static void
enter(EtfSession *session, EtfPlace *place)
{
	place->relation = NULL;
	place->field = NULL;
	place->callback.callback = describe_place;
	place->callback.arg = place;
	place->callback.previous = error_context_stack;
	error_context_stack = &place->callback;
	place->caller = MemoryContextSwitchTo(session->change_context);
}

static void
leave(EtfSession *session, EtfPlace *place)
{
	MemoryContextSwitchTo(place->caller);
	MemoryContextReset(session->change_context);
	error_context_stack = place->callback.previous;
}

/* Describe the table to a reader that has not had, or may have lost, that. */
static void
tell_relation(EtfSession *session, EtfRelation *plan)
{
	switch (session->options->relations)
	{
		case RELATIONS_OFF:
			return;
		case RELATIONS_SESSION:
			if (plan->entry->told)
				return;
			break;
		case RELATIONS_FRAME:
			if (plan->entry->frame == session->frames)
				return;
			break;
	}
	etf_put_note(session, plan->event, plan->event_len);
	plan->entry->told = true;
	plan->entry->frame = session->frames;
}

static void
begin_row_event(EtfSession *session, const ReorderBufferTXN *txn,
				EtfRelation *plan, int arity, const char *op)
{
	etf_event_begin(session, txn);
	tell_relation(session, plan);
	etf_put_tuple(&session->out, arity);
	etf_put_atom_len(&session->out, op, 6); /* insert, update, delete */
	etf_put_uint(&session->out, plan->entry->relid);
}

static void
put_new_row(EtfSession *session, EtfPlace *place, const EtfRelation *plan)
{
	etf_put_row(&session->out, plan->fields, plan->nfields, plan->values,
				plan->nulls, session->options->rows == ROWS_MAP, &place->field);
}

/* {key, Row} or {full, Row} */
static void
put_old_row(EtfSession *session, EtfPlace *place, const EtfRelation *plan)
{
	EtfOut *out = &session->out;

	etf_put_tuple(out, 2);
	if (plan->full)
		etf_put_atom(out, "full");
	else
		etf_put_atom(out, "key");
	etf_put_row(out, plan->full ? plan->fields : plan->keys,
				plan->full ? plan->nfields : plan->nkeys, plan->old_values,
				plan->old_nulls, session->options->rows == ROWS_MAP,
				&place->field);
}

/*
 * The WAL does not repeat a toasted value that stayed the same, but what an
 * old row has of it is always there in full.  A column that is not part of
 * the identity is NULL in an old key, which says nothing, so nothing is
 * taken from there.
 */
static void
fill_unchanged(const EtfRelation *plan)
{
	for (int i = 0; i < plan->nfields; i++)
	{
		int at = plan->fields[i].attindex;

		if (plan->fields[i].type->typlen == -1 && !plan->nulls[at] &&
			!plan->old_nulls[at] &&
			VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(plan->values[at])))
			plan->values[at] = plan->old_values[at];
	}
}

static void
emit_insert(EtfSession *session, EtfPlace *place, const ReorderBufferTXN *txn,
			EtfRelation *plan, TupleDesc desc, HeapTuple tuple)
{
	heap_deform_tuple(tuple, desc, plan->values, plan->nulls);
	begin_row_event(session, txn, plan, 3, "insert");
	put_new_row(session, place, plan);
	etf_event_end(session);
}

static void
emit_update(EtfSession *session, EtfPlace *place, const ReorderBufferTXN *txn,
			EtfRelation *plan, TupleDesc desc, HeapTuple old, HeapTuple tuple)
{
	heap_deform_tuple(tuple, desc, plan->values, plan->nulls);
	if (old != NULL)
	{
		heap_deform_tuple(old, desc, plan->old_values, plan->old_nulls);
		fill_unchanged(plan);
	}
	begin_row_event(session, txn, plan, 4, "update");
	if (old == NULL || session->options->old_rows == OLD_ROWS_NONE)
		etf_put_atom(&session->out, "nil");
	else
		put_old_row(session, place, plan);
	put_new_row(session, place, plan);
	etf_event_end(session);
}

/* Without a replica identity nobody can say which row it was. */
static void
emit_delete(EtfSession *session, EtfPlace *place, const ReorderBufferTXN *txn,
			EtfRelation *plan, TupleDesc desc, HeapTuple old)
{
	begin_row_event(session, txn, plan, 3, "delete");
	if (old == NULL)
		etf_put_atom(&session->out, "none");
	else
	{
		heap_deform_tuple(old, desc, plan->old_values, plan->old_nulls);
		put_old_row(session, place, plan);
	}
	etf_event_end(session);
}

static void
emit_change(EtfSession *session, EtfPlace *place, const ReorderBufferTXN *txn,
			Relation relation, const ReorderBufferChange *change)
{
	TupleDesc desc = RelationGetDescr(relation);
	HeapTuple old = change_old_tuple(change);
	HeapTuple tuple = change_new_tuple(change);
	int actions = session->options->actions;
	EtfRelation *plan;

	place->relation = RelationGetRelationName(relation);
	plan = etf_relation_get(session, relation);
	if (!plan->wanted)
		return;
	switch (change->action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			if ((actions & ACTION_INSERT) && tuple != NULL)
				emit_insert(session, place, txn, plan, desc, tuple);
			break;
		case REORDER_BUFFER_CHANGE_UPDATE:
			if ((actions & ACTION_UPDATE) && tuple != NULL)
				emit_update(session, place, txn, plan, desc, old, tuple);
			break;
		case REORDER_BUFFER_CHANGE_DELETE:
			if (actions & ACTION_DELETE)
				emit_delete(session, place, txn, plan, desc, old);
			break;
		default:
			break;
	}
}

void
etf_change(EtfSession *session, const ReorderBufferTXN *txn, Relation relation,
		   const ReorderBufferChange *change)
{
	EtfPlace place;

	enter(session, &place);
	emit_change(session, &place, txn, relation, change);
	leave(session, &place);
}

static void
put_truncate(EtfOut *out, const Oid *relids, int count, bool cascade,
			 bool restart)
{
	etf_put_tuple(out, 3);
	etf_put_atom(out, "truncate");
	etf_put_list(out, count);
	for (int i = 0; i < count; i++)
		etf_put_uint(out, relids[i]);
	etf_put_list_end(out);
	etf_put_list(out, cascade + restart);
	if (cascade)
		etf_put_atom(out, "cascade");
	if (restart)
		etf_put_atom(out, "restart_identity");
	etf_put_list_end(out);
}

void
etf_truncate(EtfSession *session, const ReorderBufferTXN *txn, int nrelations,
			 Relation *relations, const ReorderBufferChange *change)
{
	EtfPlace place;
	Oid *relids;
	int count = 0;

	if (!(session->options->actions & ACTION_TRUNCATE))
		return;
	enter(session, &place);
	relids = palloc(sizeof(Oid) * nrelations);
	for (int i = 0; i < nrelations; i++)
	{
		EtfRelation *plan;

		place.relation = RelationGetRelationName(relations[i]);
		plan = etf_relation_get(session, relations[i]);
		if (!plan->wanted)
			continue;
		if (count == 0)
			etf_event_begin(session, txn);
		tell_relation(session, plan);
		relids[count++] = plan->entry->relid;
	}
	if (count > 0)
	{
		put_truncate(&session->out, relids, count,
					 change->data.truncate.cascade,
					 change->data.truncate.restart_seqs);
		etf_event_end(session);
	}
	leave(session, &place);
}

/* In a prefix of 600 MB there is little sense, but anybody can send one. */
static void
put_message(EtfOut *out, const char *prefix, const char *content, Size size)
{
	Size prefix_size = strlen(prefix);

	out_value_begin(out);
	etf_put_text(out, prefix, prefix_size);
	if (!out_value_end(out))
		etf_put_oversized(out, prefix_size);
	out_value_begin(out);
	etf_put_binary(out, content, size);
	if (!out_value_end(out))
		etf_put_oversized(out, size);
}

void
etf_message(EtfSession *session, const ReorderBufferTXN *txn, XLogRecPtr lsn,
			const char *prefix, const char *content, Size size)
{
	EtfPlace place;
	EtfOut *out = &session->out;

	if (!etf_message_wanted(session->options, prefix))
		return;
	enter(session, &place);
	if (txn != NULL)
	{
		etf_event_begin(session, txn);
		etf_put_tuple(out, 3);
		etf_put_atom(out, "message");
		put_message(out, prefix, content, size);
		etf_event_end(session);
	}
	else
	{
		etf_frame_begin(session);
		etf_put_tuple(out, 4);
		etf_put_atom(out, "message");
		etf_put_uint(out, lsn);
		put_message(out, prefix, content, size);
		etf_frame_end(session);
	}
	leave(session, &place);
}
