/*
 * engine.c
 *		Phases of the client, its timers, and what failures lead to.
 *
 * Between loop.c, which polls, and stream.c and control.c, which hold the
 * connections.  Each phase is one function, called once a turn.
 */
#include "client/engine.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Status updates because the position moved are sent no closer than this. */
#define STATUS_SPACING_MS 1000

/* A slot may be busy for so long after the server dropped a dead client. */
#define SLOT_WAIT_MARGIN_MS 5000

/* A connection that lived so long ends a series of failures. */
#define STABLE_MS 30000

/*
 * libpq keeps a buffer as large as the largest message until the connection
 * ends.  After a message above this the connection is made anew, at a moment
 * when nothing has to be sent again.
 */
#define GIVE_BACK_BYTES (8u << 20)

#define FOREVER_MS ((int64_t) 3600 * 1000)

static void turn_down(Engine *engine, short revents);
static void turn_parked(Engine *engine, short revents);
static void turn_connecting(Engine *engine, short revents);
static void turn_streaming(Engine *engine, short revents);
static void turn_nothing(Engine *engine, short revents);

static void (*const turns[])(Engine *engine, short revents) = {
	[ENGINE_IDLE] = turn_nothing,
	[ENGINE_DOWN] = turn_down,
	[ENGINE_PARKED] = turn_parked,
	[ENGINE_CONNECTING] = turn_connecting,
	[ENGINE_STREAMING] = turn_streaming,
	[ENGINE_CONFIRMING] = stop_turn_confirming,
	[ENGINE_ENDING] = stop_turn_ending,
	[ENGINE_DONE] = turn_nothing,
};

void
engine_init(Engine *engine, Consumer *consumer)
{
	*engine = (Engine){.consumer = consumer, .phase = ENGINE_IDLE};
}

void
engine_free(Engine *engine)
{
	flow_drop_held(engine);
	stream_close(&engine->stream);
	control_close(&engine->control);
	feedback_free(&engine->feedback);
}

void
engine_start(Engine *engine, const Settings *settings)
{
	engine->settings = settings;
	stream_init(&engine->stream, settings);
	control_init(&engine->control, settings);
	feedback_init(&engine->feedback, settings->startpos);
	backoff_init(&engine->backoff, (uint32_t) settings->reconnect_min,
				 (uint32_t) settings->reconnect_max,
				 (uint32_t) settings->circuit_after);
	credit_add(&engine->credit, settings->credit_events,
			   settings->credit_bytes);
	engine->stats_at = engine->now;
	engine->retry_at = engine->now;
	engine_set_phase(engine, ENGINE_DOWN);
}

void
engine_set_phase(Engine *engine, EnginePhase phase)
{
	engine->phase = phase;
	engine->phase_since = engine->now;
	engine->wake_at = engine->now;
}

/* Is it time?  If not, the loop will not sleep longer than until then. */
bool
engine_due(Engine *engine, int64_t at)
{
	if (engine->now >= at)
		return true;
	if (at < engine->wake_at)
		engine->wake_at = at;
	return false;
}

/* Done, with whatever stands in "failure". */
void
engine_finish(Engine *engine)
{
	if (engine->phase == ENGINE_DONE)
		return;
	engine_disconnect(engine);
	control_close(&engine->control);
	if (engine->failure.class != FAIL_NONE)
		consumer_fatal(engine->consumer, &engine->failure);
	else
		consumer_position(engine->consumer, "stopped",
						  engine->feedback.flushed);
	engine_set_phase(engine, ENGINE_DONE);
}

void
engine_fail(Engine *engine, const Failure *failure)
{
	if (engine->phase == ENGINE_DONE)
		return;
	engine->failure = *failure;
	engine_finish(engine);
}

void
engine_disconnect(Engine *engine)
{
	flow_drop_held(engine);
	stream_close(&engine->stream);
	feedback_reconnected(&engine->feedback);
	engine->stalled_at = 0;
	engine->pings = 0;
}

/* How long another owner of the slot is waited for. */
static int64_t
slot_wait(const Engine *engine)
{
	uint64_t wait = engine->settings->slot_wait;

	if (wait < engine->stream.sender_timeout + SLOT_WAIT_MARGIN_MS)
		wait = engine->stream.sender_timeout + SLOT_WAIT_MARGIN_MS;
	return (int64_t) wait;
}

static bool
is_final(Engine *engine, const Failure *failure)
{
	FailurePolicy policy = failure_info(failure->class)->policy;

	if (policy != POLICY_WAIT)
		engine->busy_since = 0;
	else if (engine->busy_since == 0)
		engine->busy_since = engine->now;
	return !engine->settings->reconnect || policy == POLICY_STOP ||
		   (policy == POLICY_WAIT &&
			engine->now >= engine->busy_since + slot_wait(engine));
}

/*
 * A connection failed or ended: stop, or wait and come back.  During a clean
 * stop it only means that there is less to do.
 */
void
engine_failed(Engine *engine, const Failure *failure)
{
	Failure copy = *failure; /* it may belong to what is closed here */
	uint32_t delay;

	if (engine->phase >= ENGINE_CONFIRMING)
	{
		engine_finish(engine);
		return;
	}
	if (engine->phase == ENGINE_STREAMING)
		report_disconnected(engine, failure_info(copy.class)->name);
	engine_disconnect(engine);
	if (is_final(engine, &copy))
	{
		engine_fail(engine, &copy);
		return;
	}
	delay = backoff_fail(&engine->backoff, (uint32_t) random());
	engine->retry_at = engine->now + delay;
	report_reconnecting(engine, &copy, delay);
	engine_set_phase(engine, ENGINE_DOWN);
}

static void
connect_stream(Engine *engine)
{
	engine_set_phase(engine, ENGINE_CONNECTING);
	if (!stream_open(&engine->stream, engine->feedback.flushed))
		engine_failed(engine, &engine->stream.db.failure);
}

static void
turn_nothing(Engine *engine, short revents)
{
	(void) engine;
	(void) revents;
}

static void
turn_down(Engine *engine, short revents)
{
	(void) revents;
	if (engine_due(engine, engine->retry_at))
		connect_stream(engine);
}

static void
turn_parked(Engine *engine, short revents)
{
	(void) revents;
	if (flow_may_deliver(engine))
		connect_stream(engine);
}

/* The first connection tells where the slot is, if the consumer did not. */
static void
started(Engine *engine)
{
	Stream *stream = &engine->stream;

	if (!stream->resumes)
		engine->catch_up_to = stream->server_lsn;
	else
		engine->stats.reconnects++;
	if (engine->feedback.flushed == 0)
		feedback_init(&engine->feedback, stream->confirmed);
	stream->resumes = true;
	engine->busy_since = 0;
	engine->server_stopping = false;
	engine->server_lsn = stream->server_lsn;
	engine->told = stream->confirmed;
	engine->heard_at = engine->status_at = engine->now;
	engine_set_phase(engine, ENGINE_STREAMING);
	report_connected(engine);
	engine_send_status(engine, true);
}

static void
turn_connecting(Engine *engine, short revents)
{
	int64_t limit = (int64_t) engine->settings->connect_timeout *
					(engine->stream.db.hosts + 1);
	Failure timeout;

	switch (stream_advance(&engine->stream, revents))
	{
		case STREAM_STARTED:
			started(engine);
			return;
		case STREAM_FAILED:
			engine_failed(engine, &engine->stream.db.failure);
			return;
		default:
			break;
	}
	if (!engine_due(engine, engine->phase_since + limit))
		return;
	failure_set(&timeout, FAIL_NETWORK, "no answer within %lld ms",
				(long long) limit);
	engine_failed(engine, &timeout);
}

/*
 * Often enough that the server never has a doubt, whatever the consumer
 * does: it would ask at half of its timeout, and kill us at all of it.
 */
static int64_t
status_interval(const Engine *engine)
{
	uint64_t interval = engine->settings->status_interval;
	uint64_t third = engine->stream.sender_timeout / 3;

	return (int64_t) (third > 0 && third < interval ? third : interval);
}

void
engine_send_status(Engine *engine, bool reply_requested)
{
	const Feedback *feedback = &engine->feedback;

	engine->status_at = engine->now;
	engine->stats.statuses++;
	if (!stream_send_status(&engine->stream, feedback->received,
							feedback->flushed, reply_requested))
	{
		engine_failed(engine, &engine->stream.db.failure);
		return;
	}
	engine->told = feedback->flushed;
	if (engine->announce)
		consumer_position(engine->consumer, "position", feedback->flushed);
	engine->announce = false;
}

/* An answer is asked for at each interval: that is how a dead peer is seen. */
static void
status_turn(Engine *engine)
{
	bool moved = engine->feedback.flushed != engine->told;
	int64_t interval = status_interval(engine);

	if (engine_due(engine, engine->status_at + interval))
		engine_send_status(engine, true);
	else if (moved && engine_due(engine, engine->status_at +
											 (interval < STATUS_SPACING_MS
												  ? interval
												  : STATUS_SPACING_MS)))
		engine_send_status(engine, false);
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

	if (engine->held.data != NULL || engine->at_end)
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

static bool
may_give_back(const Engine *engine)
{
	return engine->stream.largest > GIVE_BACK_BYTES &&
		   engine->held.data == NULL &&
		   engine->settings->create != CREATE_TEMPORARY &&
		   feedback_is_closed(&engine->feedback) &&
		   engine->told == engine->feedback.flushed;
}

static void
turn_streaming(Engine *engine, short revents)
{
	if (engine->stream.unflushed && !stream_flush(&engine->stream))
	{
		engine_failed(engine, &engine->stream.db.failure);
		return;
	}
	flow_turn(engine, (revents & (POLLIN | POLLERR | POLLHUP)) != 0);
	if (engine->phase == ENGINE_STREAMING)
		status_turn(engine);
	if (engine->phase == ENGINE_STREAMING)
		liveness_turn(engine);
	if (engine->phase == ENGINE_STREAMING)
		stall_turn(engine);
	if (engine->phase != ENGINE_STREAMING)
		return;
	if (engine_due(engine, engine->phase_since + STABLE_MS))
		backoff_reset(&engine->backoff);
	if (engine->at_end && engine->feedback.count == 0)
		engine_stop(engine);
	else if (may_give_back(engine))
	{
		engine_disconnect(engine);
		connect_stream(engine);
	}
}

/* The slot may be lost while nothing is read, or while nobody is connected. */
static void
slot_turn(Engine *engine)
{
	const SlotReport *slot = &engine->control.slot;
	Failure lost;

	engine->server_stopping = false;
	if (slot->server_lsn > engine->server_lsn)
		engine->server_lsn = slot->server_lsn;
	report_slot(engine);
	if (engine->phase > ENGINE_STREAMING || !engine->stream.resumes ||
		(slot->reason[0] == '\0' && strcmp(slot->wal_status, "lost") != 0))
		return;
	failure_set(&lost, FAIL_SLOT_LOST, "the server has invalidated slot \"%s\"",
				engine->settings->slot);
	engine_failed(engine, &lost);
}

void
engine_turn(Engine *engine, int64_t now, short stream_revents,
			short control_revents)
{
	engine->now = now;
	engine->wake_at = now + FOREVER_MS;
	if (engine->phase == ENGINE_IDLE || engine->phase == ENGINE_DONE)
		return;
	switch (control_turn(&engine->control, now, control_revents))
	{
		case CONTROL_REPORT:
			slot_turn(engine);
			break;
		case CONTROL_SHUTDOWN:
			engine->server_stopping = true;
			break;
		case CONTROL_NOTHING:
			break;
	}
	if (engine->control.wanted)
		engine_due(engine, engine->control.due);
	turns[engine->phase](engine, stream_revents);
	if (engine->settings->stats_interval > 0 &&
		engine_due(engine, engine->stats_at +
							   (int64_t) engine->settings->stats_interval))
		report_stats(engine);
	consumer_end_batch(engine->consumer);
}

short
engine_stream_events(const Engine *engine)
{
	bool read = engine->phase != ENGINE_STREAMING || engine->held.data == NULL;

	if (engine->stream.db.state == DB_CLOSED)
		return 0;
	return stream_events(&engine->stream,
						 read && engine->phase != ENGINE_CONFIRMING);
}

void
engine_credit(Engine *engine, uint64_t events, uint64_t bytes)
{
	credit_add(&engine->credit, events, bytes);
}

/*
 * Going back is harmless, since the position does not follow: a consumer may
 * have acknowledged a position that was passed meanwhile.  One that was never
 * delivered means that the consumer is wrong about what it has.
 */
void
engine_flushed(Engine *engine, uint64_t lsn)
{
	Failure failure;

	switch (feedback_ack(&engine->feedback, lsn))
	{
		case ACK_MOVED:
		case ACK_SAME:
			return;
		case ACK_BACKWARDS:
			consumer_log(engine->consumer, "warning",
						 "flushed: %llu is before the confirmed position %llu",
						 (unsigned long long) lsn,
						 (unsigned long long) engine->feedback.flushed);
			return;
		case ACK_UNKNOWN:
			failure_set(&failure, FAIL_PROTOCOL,
						"flushed: %llu is not the end of anything delivered",
						(unsigned long long) lsn);
			engine_fail(engine, &failure);
			return;
	}
}

/* Where nothing streams, nothing can be confirmed any more. */
void
engine_stop(Engine *engine)
{
	if (engine->phase == ENGINE_STREAMING)
	{
		engine->stopping_since = engine->now;
		engine_set_phase(engine, ENGINE_CONFIRMING);
		engine_send_status(engine, true);
		control_hurry(&engine->control, engine->now);
	}
	else if (engine->phase < ENGINE_CONFIRMING)
		engine_finish(engine);
}
