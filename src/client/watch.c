/*
 * watch.c
 *		The clock of a stream, and what the control connection tells.
 *
 * Called by engine.c each turn: status updates in time, a server that is
 * silent, a consumer that takes nothing, a slot that is lost.
 */
#include "client/engine.h"

#include <stdio.h>
#include <string.h>

#include "client/clean.h"

/* Status updates because the position moved are sent no closer than this. */
#define STATUS_SPACING_MS 1000

/* A connection that lived so long ends a series of failures. */
#define STABLE_MS 30000

/* Whatever timeout a server names, it does not keep us busy. */
#define STATUS_MIN_MS 100

/* A silence of so long, while an end is to be heard of, is broken by us. */
#define ASK_MS 250

/*
 * Often enough that neither side has a doubt, whatever the consumer does: the
 * server would ask at half of its timeout, and kill us at all of it.
 */
static int64_t
status_interval(const Engine *engine)
{
	uint64_t interval = engine->settings->status_interval;
	uint64_t doubt = engine->settings->liveness_timeout;

	if (engine->stream.sender_timeout > 0 &&
		engine->stream.sender_timeout < doubt)
		doubt = engine->stream.sender_timeout;
	if (doubt / 3 < interval)
		interval = doubt / 3;
	return (int64_t) (interval > STATUS_MIN_MS ? interval : STATUS_MIN_MS);
}

void
engine_send_status(Engine *engine, bool reply_requested)
{
	const Feedback *feedback = &engine->feedback;
	bool last_waits = engine->stream.unflushed;

	engine->status_at = engine->now;
	engine->stats.statuses++;
	if (!stream_send_status(&engine->stream, feedback->received,
							engine->settings->peek ? 0 : feedback->flushed,
							reply_requested))
	{
		engine_failed(engine, &engine->stream.db.failure);
		return;
	}
	/* Then only the last one went out. */
	if (last_waits)
		return;
	engine->told = feedback->flushed;
	if (engine->announce)
		consumer_position(engine->consumer, "position", feedback->flushed);
	engine->announce = false;
}

/*
 * A server says nothing to a client that has, by its own words, all that was
 * sent: not even that nothing else is there.  So it is asked when it should be
 * beyond a position that is waited for.
 */
static bool
is_to_be_asked(const Engine *engine)
{
	uint64_t endpos = engine->settings->endpos;

	return engine->held.data == NULL &&
		   (engine->catch_up_to != 0 ||
			(endpos > 0 && !engine->at_end && engine->server_lsn >= endpos));
}

/* A server that is busy and does not answer is asked less and less often. */
static int64_t
question_due(const Engine *engine)
{
	int64_t unanswered = engine->status_at - engine->heard_at;

	if (unanswered < 0)
		return engine->heard_at + ASK_MS;
	return engine->status_at + (unanswered > ASK_MS ? unanswered : ASK_MS);
}

static int64_t
status_due(const Engine *engine)
{
	int64_t due = engine->status_at + status_interval(engine);

	return is_to_be_asked(engine) && question_due(engine) < due
			   ? question_due(engine)
			   : due;
}

/*
 * An answer is asked for at each interval: that is how a dead peer is seen.
 * The next status update does not wait for the answer to wake us.
 */
static void
status_turn(Engine *engine)
{
	bool moved = engine->feedback.flushed != engine->told;
	int64_t spacing = status_interval(engine);

	if (spacing > STATUS_SPACING_MS)
		spacing = STATUS_SPACING_MS;
	if (engine_due(engine, status_due(engine)))
		engine_send_status(engine, true);
	else if (moved && engine_due(engine, engine->status_at + spacing))
		engine_send_status(engine, false);
	engine_due(engine, status_due(engine));
}

/*
 * Nothing was heard for long.  A walsender in a long decoding step is silent
 * too, but the control connection then sees it hold the slot.
 */
static void
liveness_turn(Engine *engine)
{
	int64_t timeout = (int64_t) engine->settings->liveness_timeout;
	const Control *control = &engine->control;
	Failure silence;

	if (engine->held.data != NULL)
		engine->heard_at = engine->now; /* it is we who do not listen */
	if (!engine_due(engine, engine->heard_at + timeout))
		return;
	if (control_is_up(control) && control->heard_at > engine->now - timeout &&
		control->slot.active_pid == engine->stream.backend_pid)
	{
		engine->heard_at = engine->now;
		return;
	}
	failure_set(&silence, FAIL_NETWORK, "the server is silent for %lld ms",
				(long long) timeout);
	engine_failed(engine, &silence);
}

/* Leave the server alone until the consumer wants something again. */
static void
park(Engine *engine)
{
	engine->stats.stalls++;
	report_disconnected(engine, "stalled");
	engine_disconnect(engine);
	engine_set_phase(engine, ENGINE_PARKED);
}

static void
stall_turn(Engine *engine)
{
	uint64_t limit = engine->settings->max_stall;
	Failure stopping;

	if (engine->stalled_at == 0)
		return;
	if (engine->server_stopping)
	{
		failure_set(&stopping, FAIL_SERVER_SHUTDOWN,
					"the server shuts down while the consumer takes nothing");
		engine_failed(engine, &stopping);
	}
	else if (limit > 0 &&
			 engine_due(engine, engine->stalled_at + (int64_t) limit))
		park(engine);
}

/* At a moment when nothing has to be sent again. */
static bool
may_shrink(Engine *engine)
{
	return engine->held.data == NULL &&
		   engine->settings->create != CREATE_TEMPORARY &&
		   feedback_is_closed(&engine->feedback) &&
		   engine->told == engine->feedback.flushed &&
		   engine_due(engine, shrink_due(&engine->shrink));
}

void
watch_stream(Engine *engine)
{
	static void (*const watches[])(Engine * engine) = {
		status_turn, liveness_turn, stall_turn};

	for (size_t i = 0; i < sizeof(watches) / sizeof(watches[0]); i++)
	{
		if (engine->phase == ENGINE_STREAMING)
			watches[i](engine);
	}
	if (engine->phase != ENGINE_STREAMING)
		return;
	if (engine_due(engine, engine->phase_since + STABLE_MS))
		backoff_reset(&engine->backoff);
	if (engine->at_end && engine->feedback.count == 0)
		engine_stop(engine);
	else if (may_shrink(engine))
	{
		shrink_closed(&engine->shrink, true, engine->now);
		engine_disconnect(engine);
		engine_connect(engine);
	}
}

static bool
is_lost(const SlotReport *slot)
{
	return slot->reason[0] != '\0' || strcmp(slot->wal_status, "lost") == 0;
}

/* The slot may be lost while nothing is read. */
static void
slot_reported(Engine *engine)
{
	const SlotReport *slot = &engine->control.slot;
	Failure lost;

	engine->server_stopping = false;
	if (slot->server_lsn > engine->server_lsn)
		engine->server_lsn = slot->server_lsn;
	report_slot(engine);
	if (engine->phase == ENGINE_STREAMING &&
		slot->active_pid == engine->stream.backend_pid)
		engine->stream.decoded = slot->decoded;
	if (!engine->stream.resumes || !is_lost(slot))
		return;
	/* It may not be where the next stream will be: that finds out itself. */
	if (engine->phase == ENGINE_PARKED)
		engine_connect(engine);
	if (engine->phase != ENGINE_STREAMING)
		return;
	failure_set(&lost, FAIL_SLOT_LOST,
				"the server has invalidated slot \"%s\"%s%s",
				engine->settings->slot, slot->reason[0] != '\0' ? ": " : "",
				slot->reason);
	engine_failed(engine, &lost);
}

/* A stream that goes on without it is worth a word, once. */
static void
control_lost(Engine *engine)
{
	if (engine->phase != ENGINE_STREAMING)
		return;
	if (!engine->control_missed)
		consumer_log(engine->consumer, "warning", "no control connection: %s",
					 engine->control.db.failure.message);
	engine->control_missed = true;
}

/* What was waited for by the control connection alone. */
static void
give_up_wait(Engine *engine)
{
	standby_control_lost(engine);
	stop_unsettled(engine);
}

/* Tables may be made later, so this is no failure. */
static void
tell_unmatched(Engine *engine)
{
	const PGresult *result = engine->control.db.result;
	char pattern[128];

	for (int row = 0; row < PQntuples(result); row++)
	{
		snprintf(pattern, sizeof(pattern), "%s", PQgetvalue(result, row, 0));
		clean_text(pattern);
		consumer_log(
			engine->consumer, "warning",
			"include_tables: no table matches \"%s\" (schema.table; of "
			"a partitioned table its partitions)",
			pattern);
	}
}

void
watch_control(Engine *engine, short revents)
{
	const Stream *stream = &engine->stream;

	if (engine->phase == ENGINE_CONNECTING && stream->server != 0)
		control_follow(&engine->control, stream->db.conn, stream->server,
					   engine->now);
	switch (control_turn(&engine->control, engine->now, revents))
	{
		case CONTROL_UNMATCHED:
			tell_unmatched(engine);
			break;
		case CONTROL_REPORT:
			engine->control_missed = false;
			slot_reported(engine);
			break;
		case CONTROL_SHUTDOWN:
			engine->server_stopping = true;
			give_up_wait(engine);
			break;
		case CONTROL_ELSEWHERE:
			give_up_wait(engine);
			if (engine->phase == ENGINE_PARKED)
				engine_connect(engine);
			control_lost(engine);
			break;
		case CONTROL_LOST:
			give_up_wait(engine);
			control_lost(engine);
			break;
		case CONTROL_DONE:
			stop_settled(engine);
			break;
		case CONTROL_NOTHING:
			break;
	}
	if (control_is_wanted(&engine->control) &&
		engine_due(engine, engine->control.due))
		engine->wake_at = engine->now;
}
