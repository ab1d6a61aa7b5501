/*
 * engine.c
 *		Phases of the client, and what the consumer may ask of it.
 *
 * Between loop.c, which polls, and stream.c and control.c, which hold the
 * connections.  Each phase is one function, called once a turn; flow.c moves
 * frames, watch.c has the timers.
 */
#include "client/engine/engine.h"

#include <stdlib.h>

#include "client/engine/attempt.h"
#include "client/engine/claim.h"
#include "client/engine/connect.h"
#include "client/engine/exact.h"
#include "client/engine/flow.h"
#include "client/engine/incrementals.h"
#include "client/engine/kept.h"
#include "client/engine/report.h"
#include "client/engine/settle.h"
#include "client/engine/standby.h"
#include "client/engine/status.h"
#include "client/engine/stop.h"
#include "client/engine/watch.h"

/* Without it a half end is seen at the next status update. */
#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

#define FOREVER_MS ((int64_t) 3600 * 1000)

void
engine_init(Engine *engine, Consumer *consumer)
{
	*engine = (Engine){.consumer = consumer,
					   .phase = ENGINE_IDLE,
					   .confirm_up_to = UINT64_MAX};
}

void
engine_free(Engine *engine)
{
	reader_close(&engine->kept.desk);
	exact_free(engine);
	incrementals_free(engine);
	held_drop(&engine->held);
	replay_stop(&engine->replay);
	spool_clear(&engine->spool);
	stream_close(&engine->stream);
	source_free(&engine->source);
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
	source_init(&engine->source, &engine->stream, &engine->spool);
	claim_init(engine);
	control_init(&engine->control, settings);
	feedback_init(&engine->feedback, settings->startpos);
	spool_init(&engine->spool, settings->spool_dir, settings->spool_bytes);
	shrink_init(&engine->shrink, frame_bytes(settings),
				(int64_t) settings->shrink_after);
	backoff_init(&engine->backoff, (uint32_t) settings->reconnect_min,
				 (uint32_t) settings->reconnect_max,
				 (uint32_t) settings->circuit_after);
	credit_grant(&engine->credit, settings->credit_events,
				 settings->credit_bytes);
	engine->stats_at = engine->now;
	engine->retry_at = engine->now;
	engine_set_phase(engine, settings->snapshot == SNAPSHOT_OFF
								 ? ENGINE_DOWN
								 : ENGINE_SNAPSHOT);
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
	if (engine_due(engine, engine->retry_at) && !exact_comes_first(engine))
		attempt_begin(engine);
}

static void
turn_parked(Engine *engine, short revents)
{
	(void) revents;
	if (flow_may_deliver(engine))
		attempt_begin(engine);
}

/* Is nothing read, for a longer time perhaps? */
static bool
is_deaf(const Engine *engine)
{
	return flow_is_unwanted(engine) || engine->source.asks;
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
				"the connection ended while %s",
				engine->source.asks ? "the catalogs were asked"
									: "the consumer accepted nothing");
	attempt_failed(engine, &lost);
}

/* Where nothing streams, only the control connection can confirm. */
void
engine_stop(Engine *engine)
{
	if (exact_holds_stop(engine) || incrementals_hold_stop(engine))
		return;
	if (engine->phase == ENGINE_STREAMING)
	{
		engine->stopping_since = engine->now;
		engine_set_phase(engine, ENGINE_CONFIRMING);
		status_send(engine, true);
		control_hurry(&engine->control, engine->now);
	}
	else if (engine->phase < ENGINE_CONFIRMING && !settle_confirms(engine))
		attempt_finish(engine);
}

static void
turn_streaming(Engine *engine, short revents)
{
	if (engine->stream.unflushed && !stream_flush(&engine->stream))
	{
		attempt_failed(engine, &engine->stream.db.failure);
		return;
	}
	flow_turn(engine, (revents & (POLLIN | POLLERR | POLLHUP)) != 0);
	if (engine->phase == ENGINE_STREAMING && is_deaf(engine) &&
		(revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0)
		lost_unread(engine);
	else
		watch_stream(engine);
	if (engine->phase != ENGINE_STREAMING)
		return;
	if (engine->at_end && engine->feedback.pending.count == 0)
		engine_stop(engine);
	else
		watch_memory(engine);
}

static void (*const turns[])(Engine *engine, short revents) = {
	[ENGINE_IDLE] = turn_nothing,
	[ENGINE_DOWN] = turn_down,
	[ENGINE_PARKED] = turn_parked,
	[ENGINE_SNAPSHOT] = turn_nothing,
	[ENGINE_STANDBY] = standby_turn,
	[ENGINE_ASKING] = standby_turn_asking,
	[ENGINE_CONNECTING] = connect_turn,
	[ENGINE_STREAMING] = turn_streaming,
	[ENGINE_CONFIRMING] = stop_turn_confirming,
	[ENGINE_ENDING] = stop_turn_ending,
	[ENGINE_SETTLING] = stop_turn_settling,
	[ENGINE_DONE] = turn_nothing,
};

/* As if the consumer had said so. */
static void
finish_early(Engine *engine)
{
	engine->stop_is_due = false;
	engine_stop(engine);
}

void
engine_turn(Engine *engine, int64_t now, const struct pollfd *fds)
{
	engine->now = now;
	engine->wake_at = now + FOREVER_MS;
	if (engine->phase == ENGINE_IDLE || engine->phase == ENGINE_DONE)
		return;
	watch_control(engine, fds[ENGINE_POLL_CONTROL].revents);
	turns[engine->phase](engine, fds[ENGINE_POLL_STREAM].revents);
	kept_turn(engine, fds[ENGINE_POLL_KEPT].revents);
	exact_turn(engine, &fds[ENGINE_POLL_EXACT]);
	incrementals_turn(engine, &fds[ENGINE_POLL_INCREMENTALS]);
	if (engine->stop_is_due)
		finish_early(engine);
	if (engine->settings->stats_interval > 0 &&
		engine_due(engine, engine->stats_at +
							   (int64_t) engine->settings->stats_interval))
		report_stats(engine);
	consumer_end_batch(engine->consumer);
}

static short
stream_poll_events(const Engine *engine)
{
	bool read = engine->phase != ENGINE_STREAMING ||
				(engine_listens(engine) &&
				 gather_listens(&engine->gather, engine->now));

	if (engine->stream.db.state == DB_CLOSED ||
		engine->phase == ENGINE_SNAPSHOT)
		return 0;
	if (engine->phase == ENGINE_STREAMING && is_deaf(engine))
		return stream_events(&engine->stream, false) | POLLRDHUP;
	return stream_events(&engine->stream,
						 read && engine->phase != ENGINE_CONFIRMING);
}

/*
 * A stream that nothing is asked of may have ended: then poll() would return at
 * once until somebody looks.
 */
void
engine_poll(const Engine *engine, struct pollfd *fds)
{
	const Db *stream = &engine->stream.db;
	const Db *control = &engine->control.db;
	short events = stream_poll_events(engine);

	fds[ENGINE_POLL_STREAM] = (struct pollfd){
		.fd = events != 0 ? db_fd(stream) : -1, .events = events};
	fds[ENGINE_POLL_CONTROL] =
		(struct pollfd){.fd = db_fd(control), .events = db_events(control)};
	kept_poll(engine, &fds[ENGINE_POLL_KEPT]);
	exact_poll(engine, &fds[ENGINE_POLL_EXACT]);
	incrementals_poll(engine, &fds[ENGINE_POLL_INCREMENTALS]);
}

/* Output that left after the turn made room, and nothing else will say so. */
bool
engine_can_go_on(const Engine *engine)
{
	bool waits =
		engine->phase == ENGINE_PARKED ||
		(engine->phase == ENGINE_STREAMING && engine->held.data != NULL);

	return (waits && flow_may_deliver(engine)) || exact_can_go_on(engine) ||
		   incrementals_can_go_on(engine);
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
			if (feedback_was_late(&engine->feedback, lsn))
				return;
			consumer_log(engine->consumer, "warning",
						 "flushed: %llu is before the confirmed position %llu",
						 (unsigned long long) lsn,
						 (unsigned long long) engine->feedback.flushed);
			return;
		case ACK_UNKNOWN:
			failure_set(&failure, FAIL_PROTOCOL,
						"flushed: %llu is not a position that was delivered",
						(unsigned long long) lsn);
			engine_fail(engine, &failure);
			return;
	}
}

void
engine_stats(Engine *engine)
{
	report_stats(engine);
}

/* An answer that comes too late is to a question that will be asked again. */
void
engine_go(Engine *engine, uint64_t lsn, uint64_t seen)
{
	if (engine->phase != ENGINE_ASKING)
		return;
	engine->stream.vouched = seen;
	feedback_init(&engine->feedback, lsn);
	attempt_begin(engine);
}

void
engine_fail(Engine *engine, const Failure *failure)
{
	attempt_abandon(engine, failure);
}
