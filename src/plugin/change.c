/*
 * change.c
 *		Inserts, updates, deletes, truncates and messages, as events.
 *
 * Between pg_etf_decoding.c, which has the server's callbacks, and row.c.
 * relation.c has the plan of the table, tuple.c the rows of a change; txn.c
 * knows the frame.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "common/frame/command.h"
#include "common/frame/event.h"
#include "plugin/change.h"
#include "plugin/relation.h"
#include "plugin/schema.h"
#include "plugin/tuple.h"
#include "plugin/txn.h"

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
		errcontext("column \"%s\" of table \"%s\"", place->field->name.text,
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

/*
 * Describe the table to a reader that has not had, or may have lost, that.
 * ANALYZE and much else make a new plan without a change that shows: the
 * reader has been told when the relation event is still the same.
 */
static void
tell_relation(EtfSession *session, const EtfPlan *plan)
{
	EtfTable *table = plan->told;

	if (session->options->relations == RELATIONS_OFF ||
		(table->told_in == session->span && table->told == plan->event_hash))
		return;
	frame_put_uncounted(&session->frame, plan->event, plan->event_len);
	table->told = plan->event_hash;
	table->told_in = session->span;
}

static TermOut *
begin_row_event(EtfSession *session, const EtfPlan *plan, int arity,
				const char *op)
{
	TermOut *out = etf_event_begin(session);

	tell_relation(session, plan);
	etf_put_tuple(out, arity);
	etf_put_atom_len(out, op, 6); /* insert, update, delete */
	etf_put_uint(out, plan->relid);
	return out;
}

static void
put_new_row(TermOut *out, EtfPlace *place, const EtfPlan *plan,
			const EtfRowEvent *event)
{
	if (event->unchanged != NULL)
		etf_put_changed_row(out, plan->fields, plan->nfields, event->new_row,
							event->unchanged, &place->field);
	else
		etf_put_row(out, plan->fields, plan->nfields, event->new_row,
					&place->field);
}

/* {key, Row} or {full, Row} */
static void
put_old_row(TermOut *out, EtfPlace *place, const EtfPlan *plan,
			const EtfTuple *row)
{
	etf_put_tuple(out, 2);
	if (plan->full)
		etf_put_atom(out, "full");
	else
		etf_put_atom(out, "key");
	etf_put_row(out, plan->full ? plan->fields : plan->keys,
				plan->full ? plan->nfields : plan->nkeys, row, &place->field);
}

static void
put_insert(EtfSession *session, EtfPlace *place, const EtfPlan *plan,
		   const EtfRowEvent *event)
{
	TermOut *out = begin_row_event(session, plan, 3, "insert");

	put_new_row(out, place, plan, event);
}

static void
put_update(EtfSession *session, EtfPlace *place, const EtfPlan *plan,
		   const EtfRowEvent *event)
{
	TermOut *out = begin_row_event(session, plan, 4, "update");

	if (event->old_row == NULL || session->options->old_rows == OLD_ROWS_NONE)
		etf_put_atom(out, "nil");
	else
		put_old_row(out, place, plan, event->old_row);
	put_new_row(out, place, plan, event);
}

/* Without a replica identity nobody can say which row it was. */
static void
put_delete(EtfSession *session, EtfPlace *place, const EtfPlan *plan,
		   const EtfRowEvent *event)
{
	TermOut *out = begin_row_event(session, plan, 3, "delete");

	if (event->old_row == NULL)
		etf_put_atom(out, "none");
	else
		put_old_row(out, place, plan, event->old_row);
}

static void
emit_change(EtfSession *session, EtfPlace *place, Relation relation,
			const ReorderBufferChange *change)
{
	const EtfPlan *plan;
	EtfRowEvent event;

	place->relation = RelationGetRelationName(relation);
	plan = etf_plan_get(session, relation);
	if (unlikely(session->naltered > 0) && plan->actions != 0)
		etf_schema_tell(session, RelationGetRelid(relation), plan);
	if (!etf_tuple_read(plan, RelationGetDescr(relation), change, &event))
		return;
	if (event.action == ACTION_INSERT)
		put_insert(session, place, plan, &event);
	else if (event.action == ACTION_UPDATE)
		put_update(session, place, plan, &event);
	else
		put_delete(session, place, plan, &event);
	etf_event_end(session);
}

void
etf_change(EtfSession *session, Relation relation,
		   const ReorderBufferChange *change)
{
	EtfPlace place;

	enter(session, &place);
	emit_change(session, &place, relation, change);
	leave(session, &place);
}

void
etf_truncate(EtfSession *session, int nrelations, Relation *relations,
			 const ReorderBufferChange *change)
{
	EtfPlace place;
	Oid *relids;
	int count = 0;

	enter(session, &place);
	relids = palloc(sizeof(Oid) * nrelations);
	for (int i = 0; i < nrelations; i++)
	{
		const EtfPlan *plan;

		place.relation = RelationGetRelationName(relations[i]);
		plan = etf_plan_get(session, relations[i]);
		if (!(plan->actions & ACTION_TRUNCATE))
			continue;
		if (count == 0)
			etf_event_begin(session);
		tell_relation(session, plan);
		relids[count++] = plan->relid;
	}
	if (count > 0)
	{
		etf_put_truncate(&session->frame.out, relids, count,
						 change->data.truncate.cascade,
						 change->data.truncate.restart_seqs);
		etf_event_end(session);
	}
	leave(session, &place);
}

/* Any role can write such a message: what is none stays an ordinary one. */
static bool
is_command(const EtfSession *session, const char *prefix, const char *content,
		   Size size)
{
	return session->options->ddl == DDL_COMMANDS &&
		   strcmp(prefix, COMMAND_PREFIX) == 0 &&
		   command_is_sound(content, size);
}

/* {ddl, Command}; the content has a byte for the version in front. */
static void
put_command(EtfSession *session, const char *content, Size size)
{
	EtfLate late;
	TermOut *out = etf_late_begin(session, &late);

	etf_put_tuple(out, 2);
	etf_put_atom(out, "ddl");
	frame_put_uncounted(&session->frame, content + 1, size - 1);
	frame_keep_uncounted(&session->frame);
	etf_late_end(session, &late);
}

static void
put_message(EtfSession *session, const char *prefix, const char *content,
			Size size)
{
	EtfLate late;
	TermOut *out = etf_late_begin(session, &late);

	etf_put_tuple(out, 3);
	etf_put_atom(out, "message");
	etf_put_message(out, prefix, content, size);
	etf_event_end(session);
	etf_late_end(session, &late);
}

static void
send_message(EtfSession *session, XLogRecPtr lsn, const char *prefix,
			 const char *content, Size size)
{
	TermOut *out = etf_message_begin(session, lsn);

	etf_put_message(out, prefix, content, size);
	etf_message_end(session);
}

void
etf_message(EtfSession *session, bool transactional, XLogRecPtr lsn,
			const char *prefix, const char *content, Size size)
{
	bool command = transactional && is_command(session, prefix, content, size);
	EtfPlace place;

	if (!command && !options_want_message(session->options, prefix))
		return;
	enter(session, &place);
	if (command)
		put_command(session, content, size);
	else if (transactional)
		put_message(session, prefix, content, size);
	else
		send_message(session, lsn, prefix, content, size);
	leave(session, &place);
}
