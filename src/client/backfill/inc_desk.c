/*
 * inc_desk.c
 *		The connection that plans an incremental backfill, and keeps its state.
 *
 * It is made to the server of the stream.  What is wrong is found here, before
 * anything is read: the extension, rights, keys, conditions.
 */
#include "client/backfill/inc_parts.h"

#include <stdlib.h>
#include <string.h>

#include "client/backfill/inc_plan.h"
#include "client/backfill/incremental.h"
#include "client/backfill/plan.h"
#include "client/backfill/store.h"

void
inc_desk_close(Incremental *inc)
{
	reader_close(&inc->desk);
	history_close(&inc->history);
	inc->dirty |= inc->saving;
	inc->saving = inc->settling.asking = false;
	unkept_failed(&inc->keys);
}

static void
open_desk(Incremental *inc, const StreamPlace *place)
{
	reader_open(&inc->desk, READER_USE_EXTENSION, inc->settings, place->hosts,
				place->stream->server, place->stream->system_identifier,
				place->now);
}

static void
run(Incremental *inc, IncStage stage, StrBuf *sql)
{
	inc->stage = stage;
	reader_run(&inc->desk, sql);
}

static void
ask_tables(Incremental *inc, IncStage stage)
{
	StrBuf sql = {0};

	inc_plan_build(inc, &sql);
	run(inc, stage, &sql);
}

static void
refuse(Incremental *inc, const char *why)
{
	Failure failure;

	failure_set(&failure, FAIL_CONFIG, "backfill \"%s\": %s", inc->request.id,
				why);
	inc_fail(inc, &failure);
}

/*
 * What is refused is loaded first, since nobody notes what moves from then on.
 * What was delivered of another timeline may be lost there.
 */
static void
begin_plan(Incremental *inc, const StreamPlace *place)
{
	const Stream *stream = place->stream;

	if (inc->refusal != NULL)
		refuse(inc, inc->refusal);
	else if (!inc->loaded || inc->state.timeline == stream->timeline)
		ask_tables(inc, INC_PLANNING);
	else
	{
		inc->stage = INC_HISTORY;
		history_open(&inc->history, inc->settings, place->hosts, place->now);
	}
}

static void
forget_state(Incremental *inc)
{
	Listener to = inc_listener(inc);

	announce_anew(&to, inc->settings->slot);
	backfill_state_free(&inc->state);
	inc->loaded = false;
}

static bool
take_state(Incremental *inc, const StreamPlace *place, const char *bytes,
		   size_t len)
{
	const char *wrong = backfill_state_decode(bytes, len, &inc->state);
	Failure failure;

	if (wrong == NULL && inc->state.mode != BACKFILL_INCREMENTAL)
		wrong = "it is of mode exact";
	else if (wrong == NULL && strcmp(inc->state.system_identifier,
									 place->stream->system_identifier) != 0)
		wrong = "it is of another database cluster";
	else if (wrong == NULL && strcmp(inc->state.slot, inc->settings->slot) != 0)
		wrong = "it is of another slot";
	inc->loaded = wrong == NULL;
	if (wrong == NULL && place->stream->created)
		forget_state(inc);
	if (wrong == NULL)
		return true;
	failure_set(&failure, FAIL_CONFIG,
				"what was kept of backfill \"%s\" cannot be used: %s",
				inc->request.id, wrong);
	failure_hint(&failure, "Use another id, or remove it: then all is read.");
	inc_fail(inc, &failure);
	return false;
}

/* One that went on in this process has its state. */
static void
ready(Incremental *inc, const StreamPlace *place)
{
	StrBuf sql = {0};

	if (inc->stage != INC_OPENING)
		return;
	if (inc->loaded)
		begin_plan(inc, place);
	else if (inc->request.store == STORE_SERVER)
	{
		store_put_load(inc->desk.schema, inc->settings->slot, inc->request.id,
					   &sql);
		run(inc, INC_LOADING, &sql);
	}
	else if (inc->request.state == NULL ||
			 take_state(inc, place, inc->request.state, inc->request.state_len))
		begin_plan(inc, place);
}

static void
loaded(Incremental *inc, const StreamPlace *place)
{
	const char *hex = db_value(&inc->desk.db, "state");
	size_t len = 0;
	bool begun = hex != NULL && hex[0] != '\0';
	char *bytes = begun ? store_from_hex(hex, &len) : NULL;

	if (bytes == NULL || take_state(inc, place, bytes, len))
		begin_plan(inc, place);
	free(bytes);
}

static void
begin_running(Incremental *inc)
{
	Listener to = inc_listener(inc);

	inc->stage = INC_RUNNING;
	inc->dirty = true;
	inc->delayed = false;
	inc_moved_begin(inc);
	inc_pick_begin(inc);
	if (!inc->started)
	{
		const Sums left = inc_plan_left(inc);

		announce_started(&to, "incremental", &left);
		inc_settle_begin(inc);
	}
	inc->started = true;
}

/* Conditions are looked at by the server, before anything is read by them. */
static void
check(Incremental *inc, uint32_t first)
{
	StrBuf sql = {0};

	inc->checked = first;
	if (inc_plan_check_build(inc, &sql))
		run(inc, INC_CHECKING, &sql);
	else if (!inc_keep_request(inc))
		begin_running(inc);
}

static void
planned(Incremental *inc, const StreamPlace *place)
{
	if (!inc_plan_take(inc, place))
		return;
	if (inc->stage == INC_REPLANNING)
		inc->stage = INC_RUNNING;
	else
		check(inc, 0);
}

static void
answered(Incremental *inc, const StreamPlace *place)
{
	backoff_reset(&inc->desk_backoff);
	if (inc->saving)
	{
		inc->saving = inc->unkept_told = false;
		unkept_saved(&inc->keys);
		return;
	}
	if (inc->settling.asking)
	{
		inc_settle_answered(inc, place);
		return;
	}
	switch (inc->stage)
	{
		case INC_LOADING:
			loaded(inc, place);
			break;
		case INC_PLANNING:
		case INC_REPLANNING:
			planned(inc, place);
			break;
		case INC_CHECKING:
			check(inc, inc->checked + 1);
			break;
		case INC_KEEPING:
			begin_running(inc);
			break;
		default:
			break;
	}
}

/* Whatever the server does not understand, it will not understand later. */
static bool
stays(const Incremental *inc)
{
	return !trouble_passes(inc->desk.trouble, inc->desk.db.failure.class);
}

static bool
is_final(const Incremental *inc)
{
	bool is_known = inc->loaded || inc->stage > INC_LOADING;

	return !inc->saving && inc->stage < INC_RUNNING && stays(inc) &&
		   !request_waits(&inc->request, is_known, inc->desk.db.failure.class);
}

/*
 * What was stopped before it began, where nothing can have been kept; and what
 * has failed anyway.
 */
static bool
is_out_of_reach(const Incremental *inc)
{
	bool unbegun = !inc->started && inc->desk.trouble == TROUBLE_LOST;

	return inc->stage == INC_ENDING && stays(inc) &&
		   (unbegun || inc->failure.class != FAIL_NONE);
}

static void
fail_for_good(Incremental *inc)
{
	Failure failure = inc->desk.db.failure;

	if (inc->desk.trouble != TROUBLE_LOST)
		failure.class = FAIL_CONFIG;
	if (inc->stage == INC_CHECKING && failure.class == FAIL_CONFIG)
		plan_name_condition(&failure, &inc->state.tables[inc->checked],
							inc->state.tables[inc->checked].where);
	inc_desk_close(inc);
	inc_fail(inc, &failure);
}

/* Of what cannot begin, or be kept. */
static void
tell_trouble(Incremental *inc, bool final)
{
	Listener to = inc_listener(inc);
	Failure *failure = &inc->desk.db.failure;
	bool keeping = inc->stage == INC_KEEPING;

	if (inc->saving || keeping || inc->stage == INC_LOADING)
		store_explain(failure);
	if (inc->saving || (keeping && final))
		announce_unkept(&to, failure, &inc->unkept_told);
	else if (inc->stage < INC_RUNNING && !final)
		announce_delayed(&to, failure, &inc->delayed);
}

static void
failed(Incremental *inc, const StreamPlace *place)
{
	bool final = is_final(inc);
	bool gone = is_out_of_reach(inc);

	tell_trouble(inc, final);
	if (final && inc->stage == INC_KEEPING)
	{
		begin_running(inc);
		return;
	}
	if (final)
	{
		fail_for_good(inc);
		return;
	}
	inc_desk_close(inc);
	inc->dirty &= !gone;
	if (inc->stage < INC_RUNNING)
		inc->stage = INC_OPENING;
	inc->desk_at =
		place->now + backoff_fail(&inc->desk_backoff, (uint32_t) random());
}

static void
turn_history(Incremental *inc, const StreamPlace *place, short revents)
{
	const char *text;

	if (inc->stage != INC_HISTORY)
		return;
	inc_due(inc, place, inc->history.give_up_at);
	if (!history_turn(&inc->history, place->stream->timeline, place->now,
					  revents, &text))
		return;
	inc_plan_lost(inc, text);
	history_close(&inc->history);
	ask_tables(inc, INC_PLANNING);
}

static void
open_turn(Incremental *inc, const StreamPlace *place)
{
	bool needed = inc->stage < INC_RUNNING || inc->stage == INC_REPLANNING ||
				  inc->settling.waits ||
				  (inc->dirty && inc->request.store == STORE_SERVER);

	if (inc->desk.state == READER_CLOSED && needed &&
		inc_keep_reaches(inc, place) && inc_due(inc, place, inc->desk_at))
		open_desk(inc, place);
}

/* Only a stream that runs knows its plugin for sure. */
static bool
is_refused(Incremental *inc, const StreamPlace *place)
{
	if (inc->stage != INC_OPENING || !place->streaming ||
		place->stream->plugin != PLUGIN_PGOUTPUT)
		return false;
	refuse(inc, INCREMENTAL_NEEDS_PLUGIN);
	return true;
}

void
inc_desk_replan(Incremental *inc)
{
	if (inc->stage == INC_RUNNING)
		inc->stage = INC_REPLANNING;
}

void
inc_desk_turn(Incremental *inc, const StreamPlace *place, short revents,
			  short history_revents)
{
	if (is_refused(inc, place))
		return;
	open_turn(inc, place);
	switch (reader_turn(&inc->desk, place->now, revents, true))
	{
		case READER_READY:
			ready(inc, place);
			break;
		case READER_DONE:
			answered(inc, place);
			break;
		case READER_FAILED:
			failed(inc, place);
			break;
		default:
			break;
	}
	turn_history(inc, place, history_revents);
	inc_settle_turn(inc, place);
	if (inc->stage == INC_REPLANNING && reader_is_idle(&inc->desk) &&
		inc_window_reading(inc) == NULL && !inc->discards)
		ask_tables(inc, INC_REPLANNING);
	inc_keep_turn(inc, place);
}
