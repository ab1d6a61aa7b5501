/*
 * trigger.c
 *		Triggers in LANGUAGE elixir.
 *
 * The function has one argument, a map of what happened.  Before a row it
 * answers :ok, :skip, or a map of columns to change; after it, and for
 * statements, nothing depends on the answer.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "beam/fail.h"
#include "beam/function.h"
#include "beam/language.h"
#include "beam/packet.h"

static const char *
op_of(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "insert";
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "update";
	return TRIGGER_FIRED_BY_DELETE(event) ? "delete" : "truncate";
}

static const char *
time_of(TriggerEvent event)
{
	if (TRIGGER_FIRED_BEFORE(event))
		return "before";
	return TRIGGER_FIRED_AFTER(event) ? "after" : "instead_of";
}

/* The row as it is to be, and as it was; NULL: there is none. */
static HeapTuple
new_row(const TriggerData *trigger)
{
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return NULL;
	return TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
													  : trigger->tg_trigtuple;
}

static HeapTuple
old_row(const TriggerData *trigger)
{
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return NULL;
	return trigger->tg_trigtuple;
}

static void
put_name(TermOut *out, const char *name)
{
	etf_put_atom_len(out, name, (int) strlen(name));
}

static void
put_row(TermOut *out, const ElixirFunction *function, HeapTuple row)
{
	int natts = function->tupdesc->natts;
	Datum *values;
	bool *nulls;

	if (row == NULL)
	{
		etf_put_null(out);
		return;
	}
	values = palloc(sizeof(Datum) * natts);
	nulls = palloc(sizeof(bool) * natts);
	heap_deform_tuple(row, function->tupdesc, values, nulls);
	encode_put_row(out, function->row, values, nulls);
}

static void
put_args(TermOut *out, const Trigger *trigger)
{
	etf_put_list(out, trigger->tgnargs);
	for (int i = 0; i < trigger->tgnargs; i++)
		packet_put_text(out, trigger->tgargs[i]);
	etf_put_list_end(out);
}

static void
put_event(TermOut *out, const ElixirFunction *function,
		  const TriggerData *trigger)
{
	Relation table = trigger->tg_relation;

	etf_put_map(out, 9);
	etf_put_atom(out, "op");
	put_name(out, op_of(trigger->tg_event));
	etf_put_atom(out, "when");
	put_name(out, time_of(trigger->tg_event));
	etf_put_atom(out, "level");
	put_name(out,
			 TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ? "row" : "statement");
	etf_put_atom(out, "name");
	packet_put_text(out, trigger->tg_trigger->tgname);
	etf_put_atom(out, "table");
	packet_put_text(out, RelationGetRelationName(table));
	etf_put_atom(out, "schema");
	packet_put_text(out, get_namespace_name(RelationGetNamespace(table)));
	etf_put_atom(out, "args");
	put_args(out, trigger->tg_trigger);
	etf_put_atom(out, "new");
	put_row(out, function, new_row(trigger));
	etf_put_atom(out, "old");
	put_row(out, function, old_row(trigger));
}

/* Columns that the map does not have stay as they were. */
static HeapTuple
changed_row(const ElixirFunction *function, const TriggerData *trigger,
			TermReader *answer)
{
	HeapTuple row = new_row(trigger);
	int natts = function->tupdesc->natts;
	Datum *values = palloc(sizeof(Datum) * natts);
	bool *nulls = palloc(sizeof(bool) * natts);
	bool *replace = palloc(sizeof(bool) * natts);
	Decoding in = {.reader = *answer,
				   .function = function->label,
				   .type = function->new_row,
				   .start = term_offset(answer)};

	heap_deform_tuple(row, function->tupdesc, values, nulls);
	decode_row(&in, function->new_row, values, nulls);
	memset(replace, true, sizeof(bool) * natts);
	return heap_modify_tuple(row, function->tupdesc, values, nulls, replace);
}

static void
refuse(const ElixirFunction *function, const TermReader *answer)
{
	FailBytes shown = {answer->pos, answer->end - answer->pos};

	ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
					errmsg("%s returned %s to a trigger", function->label,
						   fail_term(shown, true)),
					errhint("A trigger before a row returns :ok, :skip, or, "
							"unless it is deleted, a map of its columns.")));
}

/* The row to go on with; NULL: leave it alone. */
static HeapTuple
answered_row(const ElixirFunction *function, const TriggerData *trigger,
			 TermReader *answer)
{
	HeapTuple row = new_row(trigger);
	TermReader ahead = *answer;
	Term term;

	if (!term_next(&ahead, &term))
		fail_protocol("the sidecar", ahead.error);
	if (term.kind == TERM_ATOM && term_is_atom(&term, "ok"))
		return row != NULL ? row : old_row(trigger);
	if (term.kind == TERM_ATOM && term_is_atom(&term, "skip"))
		return NULL;
	if (term.kind != TERM_MAP || row == NULL)
		refuse(function, answer);
	return changed_row(function, trigger, answer);
}

static HeapTuple
ask(const ElixirFunction *function, const TriggerData *trigger)
{
	SidecarRequest request;
	TermReader answer;
	TermOut *out = function_begin(&request, "call", function, 1);

	put_event(out, function, trigger);
	etf_put_list_end(out);
	sidecar_put_meta(&request, false, 0);
	sidecar_ask(&request, &answer);
	if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) ||
		TRIGGER_FIRED_AFTER(trigger->tg_event))
		return NULL;
	return answered_row(function, trigger, &answer);
}

/* A row of the server's own is handed back as it is, not as a copy. */
Datum
elixir_call_trigger(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const ElixirFunction *function =
		function_get_trigger(fcinfo, trigger->tg_relation);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "trigger in LANGUAGE elixir",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	HeapTuple row = ask(function, trigger);

	MemoryContextSwitchTo(caller);
	if (row != NULL && row != trigger->tg_trigtuple &&
		row != trigger->tg_newtuple)
		row = heap_copytuple(row);
	MemoryContextDelete(context);
	return PointerGetDatum(row);
}
