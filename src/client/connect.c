/*
 * connect.c
 *		A stream on its way: connection, set-up, and its first moment.
 *
 * Called by engine.c; stream_setup.c has the commands.
 */
#include <stdio.h>

#include "client/engine.h"
#include "client/slot.h"

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
	stream->made = false;
	stream->decoded = stream->found_decoded;
	stream->reader_pid = stream->backend_pid;
	stream->reached_timeline = stream->in_recovery ? 0 : stream->timeline;
	engine->busy_since = engine->standby_since = 0;
	engine->server_stopping = false;
	engine->server_lsn = stream->server_lsn;
	engine->told = stream->confirmed;
	engine->heard_at = engine->status_at = engine->now;
	engine_set_phase(engine, ENGINE_STREAMING);
	report_connected(engine);
	if (stream->without_failover)
		consumer_log(engine->consumer, "warning",
					 "slot \"%s\" is there, but without failover: a promoted "
					 "standby will not have it",
					 engine->settings->slot);
	engine_send_status(engine, true);
}

/* On an idle primary nothing ends this wait but a person. */
static void
tell_creating(Engine *engine)
{
	const Stream *stream = &engine->stream;

	if (engine->creating_told || !stream->in_recovery ||
		stream->db.stage != STAGE_CREATE)
		return;
	engine->creating_told = true;
	consumer_log(engine->consumer, "warning", "creating slot \"%s\": %s",
				 engine->settings->slot, SLOT_WAIT_HINT);
}

static void
set_up_timed_out(Engine *engine, int64_t limit)
{
	Failure timeout;

	if (engine->stream.db.stage == STAGE_CREATE)
	{
		failure_set(&timeout, FAIL_SERVER_ERROR,
					"slot \"%s\" was not created within %lld ms",
					engine->settings->slot, (long long) limit);
		failure_hint(&timeout, "%s", SLOT_WAIT_HINT);
	}
	else
	{
		db_turn_hosts(&engine->stream.db);
		failure_set(&timeout, FAIL_NETWORK, "no answer within %lld ms",
					(long long) limit);
	}
	engine_failed(engine, &timeout);
}

void
connect_turn(Engine *engine, short revents)
{
	int64_t limit = (int64_t) engine->settings->connect_timeout *
					(engine->stream.db.hosts + 1);

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
	tell_creating(engine);
	if (engine_due(engine, engine->phase_since + limit))
		set_up_timed_out(engine, limit);
}
