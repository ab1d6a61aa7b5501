/*
 * engine.c
 *		Phases of the client, and what failures lead to.
 *
 * Between loop.c, which polls, and stream.c and control.c, which hold the
 * connections.  Each phase is one function, called once a turn; flow.c moves
 * frames, watch.c has the timers.
 */
#include "client/engine.h"

#include <poll.h>
#include <stdlib.h>

/* A slot may be busy for so long after the server dropped a dead client. */
#define SLOT_WAIT_MARGIN_MS 5000

/* Without it a half end is seen at the next status update. */
#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

#define FOREVER_MS ((int64_t) 3600 * 1000)

static void turn_down(Engine *engine, short revents);
static void turn_parked(Engine *engine, short revents);
static void turn_streaming(Engine *engine, short revents);
static void turn_nothing(Engine *engine, short revents);

static void (*const turns[])(Engine *engine, short revents) = {
	[ENGINE_IDLE] = turn_nothing,
	[ENGINE_DOWN] = turn_down,
	[ENGINE_PARKED] = turn_parked,
	[ENGINE_STANDBY] = standby_turn,
	[ENGINE_ASKING] = standby_turn_asking,
	[ENGINE_CONNECTING] = connect_turn,
	[ENGINE_STREAMING] = turn_streaming,
	[ENGINE_CONFIRMING] = stop_turn_confirming,
	[ENGINE_ENDING] = stop_turn_ending,
	[ENGINE_SETTLING] = stop_turn_settling,
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

/* As the plugin is asked for it. */
static size_t
frame_bytes(const Settings *settings)
{
	const char *text = pairs_get(&settings->options, "frame_bytes");

	return text != NULL ? strtoul(text, NULL, 10) : 0;
}

void
engine_start(Engine *engine, const Settings *settings)
{
	engine->settings = settings;
	stream_init(&engine->stream, settings);
	standby_init(engine);
	control_init(&engine->control, settings);
	feedback_init(&engine->feedback, settings->startpos);
	shrink_init(&engine->shrink, frame_bytes(settings),
				(int64_t) settings->shrink_after);
	backoff_init(&engine->backoff, (uint32_t) settings->reconnect_min,
				 (uint32_t) settings->reconnect_max,
				 (uint32_t) settings->circuit_after);
	credit_grant(&engine->credit, settings->credit_events,
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

/* Done, with whatever stands in "failure"; the last statistics are totals. */
void
engine_finish(Engine *engine)
{
	if (engine->phase == ENGINE_DONE)
		return;
	if (engine->settings != NULL && engine->settings->stats_interval > 0)
		report_stats(engine);
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
	if (!stop_drops(engine))
		engine_finish(engine);
}

void
engine_disconnect(Engine *engine)
{
	flow_drop_held(engine);
	stream_close(&engine->stream);
	shrink_closed(&engine->shrink, false, engine->now);
	order_init(&engine->order);
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
	if (standby_takes(engine, &copy))
		return;
	engine->standby_since = 0;
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

void
engine_connect(Engine *engine)
{
	engine_set_phase(engine, ENGINE_CONNECTING);
	if (!stream_open(&engine->stream, engine->feedback.flushed,
					 feedback_reached(&engine->feedback)))
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
		engine_connect(engine);
}

static void
turn_parked(Engine *engine, short revents)
{
	(void) revents;
	if (flow_may_deliver(engine))
		engine_connect(engine);
}

/*
 * Nothing is read while the consumer wants nothing, so an end is not read
 * either.  That of the connection is seen all the same.
 */
static void
lost_unread(Engine *engine)
{
	Failure lost;

	failure_set(&lost,
				engine->server_stopping ? FAIL_SERVER_SHUTDOWN : FAIL_NETWORK,
				"the connection ended while the consumer took nothing");
	engine_failed(engine, &lost);
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
	if (engine->phase == ENGINE_STREAMING && flow_is_unwanted(engine) &&
		(revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0)
		lost_unread(engine);
	else
		watch_stream(engine);
}

void
engine_turn(Engine *engine, int64_t now, short stream_revents,
			short control_revents)
{
	engine->now = now;
	engine->wake_at = now + FOREVER_MS;
	if (engine->phase == ENGINE_IDLE || engine->phase == ENGINE_DONE)
		return;
	watch_control(engine, control_revents);
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
	if (engine->phase == ENGINE_STREAMING && flow_is_unwanted(engine))
		return stream_events(&engine->stream, false) | POLLRDHUP;
	return stream_events(&engine->stream,
						 read && engine->phase != ENGINE_CONFIRMING);
}

/*
 * Output that left after the turn made room, or is what an acknowledgement
 * waits for, and nothing else will say so.
 */
bool
engine_can_go_on(const Engine *engine)
{
	bool waits =
		engine->phase == ENGINE_PARKED ||
		(engine->phase == ENGINE_STREAMING && engine->held.data != NULL);

	if (engine->phase == ENGINE_DONE)
		return false;
	return consumer_has_to_say(engine->consumer) ||
		   (waits && flow_may_deliver(engine));
}

void
engine_credit(Engine *engine, uint64_t events, uint64_t bytes)
{
	credit_grant(&engine->credit, events, bytes);
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

/* Where nothing streams, only the control connection can confirm. */
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
	else if (engine->phase < ENGINE_CONFIRMING && !stop_confirms(engine))
		engine_finish(engine);
}
