/*
 * exact_failover.c
 *		What of an exact backfill a failover has lost.
 *
 * Called by exact_round.c.  Until there is a stream, its timeline is not known.
 */
#include "client/engine/exact_failover.h"

#include <string.h>

#include "client/engine/attempt.h"
#include "client/engine/exact_desk.h"
#include "client/engine/exact_ranges.h"
#include "client/engine/exact_tell.h"

bool
failover_begin(Engine *engine)
{
	Exact *exact = &engine->exact;
	const BackfillState *state = &exact->state;
	const Stream *stream = &engine->stream;

	if (engine->phase != ENGINE_STREAMING || exact->cancelled || exact->over ||
		state->count == 0)
		return false;
	if (strcmp(state->system_identifier, stream->system_identifier) != 0)
	{
		desk_refuse_state(engine, "it is of another database cluster");
		return true;
	}
	if (state->timeline == stream->timeline)
		return false;
	exact->stage = EXACT_COMPARING;
	history_open(&exact->history, engine->settings,
				 &engine->control.db.host_order, engine->now);
	return true;
}

static void
drop_lost(Engine *engine, uint64_t end)
{
	Exact *exact = &engine->exact;

	for (uint32_t i = 0; i < exact->state.count; i++)
	{
		BackfillTable *table = &exact->state.tables[i];

		if (table->status == TABLE_DROPPED || !history_has_lost(table, end))
			continue;
		table_restart(table);
		tell_table(engine, "table_again", table, "failover");
		exact->nothing_left = false;
	}
}

static void
go_on(Engine *engine)
{
	Exact *exact = &engine->exact;
	bool read = exact->tables != NULL;
	Failure failure;

	exact->state.timeline = engine->stream.timeline;
	exact->dirty = true;
	if (read && !ranges_prepare(engine))
	{
		failure_set(&failure, FAIL_INTERNAL, "out of memory");
		attempt_abandon(engine, &failure);
		return;
	}
	exact->stage =
		read && ranges_all_given(engine) ? EXACT_DRAINING : EXACT_WAITING;
	engine->wake_at = engine->now;
}

void
failover_turn(Engine *engine, short revents)
{
	Exact *exact = &engine->exact;
	const char *text;
	uint64_t end;

	engine_due(engine, exact->history.give_up_at);
	if (!history_turn(&exact->history, engine->stream.timeline, engine->now,
					  revents, &text))
		return;
	end = history_end(text, &exact->state);
	history_close(&exact->history);
	if (end == 0)
		consumer_log(engine->consumer, "warning",
					 "backfill \"%s\": the server is on another timeline, and "
					 "does not say where that began: all is read again",
					 exact->request.id);
	drop_lost(engine, end);
	go_on(engine);
}
