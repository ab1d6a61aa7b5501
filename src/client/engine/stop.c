/*
 * stop.c
 *		A clean end: the last position confirmed, the stream ended.
 *
 * Called by engine.c, and by watch.c for the control connection.  The server
 * does not answer a status update, so the slot itself is asked, over the
 * control connection, which may be on its way yet; without one the update is
 * sent and taken for good.  Where there is no stream, settle.c does it.
 */
#include "client/engine/stop.h"

#include <stdlib.h>

#include "client/engine/attempt.h"
#include "client/engine/settle.h"
#include "client/engine/status.h"

/* Milliseconds between two looks at the slot. */
#define CONFIRM_POLL_MS 20

/* In a large transaction the server may go on for long after CopyDone. */
#define END_MS 1000

static void
begin_ending(Engine *engine)
{
	held_drop(&engine->held);
	engine_set_phase(engine, ENGINE_ENDING);
	stream_end(&engine->stream);
}

/* Has the slot what was flushed?  Nothing flushed is nothing to wait for. */
static bool
is_confirmed(const Engine *engine)
{
	const Control *control = &engine->control;

	return engine_confirmable(engine) == 0 || engine->settings->peek ||
		   (control->heard_at >= engine->stopping_since &&
			control->slot.confirmed >= engine_confirmable(engine));
}

static void
warn_unconfirmed(Engine *engine)
{
	consumer_log(engine->consumer, "warning",
				 "the last position could not be confirmed: changes may be "
				 "delivered again");
}

/* Acknowledgements that came with the request to stop count as well. */
void
stop_turn_confirming(Engine *engine, short revents)
{
	int64_t limit = settle_time(engine);

	(void) revents;
	if (engine_confirmable(engine) != engine->told_lsn ||
		engine->stream.unflushed)
		status_send(engine, true);
	if (engine->phase != ENGINE_CONFIRMING)
		return;
	if (is_confirmed(engine) ||
		(engine->control.db.state == DB_CLOSED && !engine->stream.unflushed))
		begin_ending(engine);
	else if (engine_due(engine, engine->stopping_since + limit))
	{
		warn_unconfirmed(engine);
		begin_ending(engine);
	}
	else if (engine->control.db.state == DB_IDLE &&
			 engine_due(engine, engine->control.heard_at + CONFIRM_POLL_MS))
	{
		control_hurry(&engine->control, engine->now);
		engine->wake_at = engine->now;
	}
}

/* Throw away what still comes. */
void
stop_turn_ending(Engine *engine, short revents)
{
	StreamMessage message;
	StreamEvent event;

	engine->stream.readable |= revents != 0;
	if (engine->stream.unflushed)
		stream_flush(&engine->stream);
	do
	{
		event = stream_next(&engine->stream, &message);
		if (event == STREAM_FRAME)
			free(message.data);
	} while (event == STREAM_FRAME || event == STREAM_KEEPALIVE);
	if (event == STREAM_FAILED ||
		engine_due(engine, engine->phase_since + END_MS))
		attempt_finish(engine);
}

/* Our last walsender reports its end before it releases the slot. */
void
stop_settled(Engine *engine)
{
	int pid = (int) db_number(&engine->control.db, "active_pid");

	if (engine->phase != ENGINE_SETTLING)
		return;
	if (pid == 0 || pid != engine->stream.backend_pid ||
		!settle_send(engine, engine->now + CONFIRM_POLL_MS))
		attempt_finish(engine);
}

/* It is a help: where it could not be, it is said. */
void
stop_unsettled(Engine *engine)
{
	if (engine->phase != ENGINE_SETTLING)
		return;
	if (engine->failure.class == FAIL_NONE)
		warn_unconfirmed(engine);
	else
		consumer_log(engine->consumer, "warning",
					 "slot \"%s\" was created, but could not be dropped: %s",
					 engine->settings->slot,
					 engine->control.db.failure.message);
	attempt_finish(engine);
}

void
stop_turn_settling(Engine *engine, short revents)
{
	(void) revents;
	if (engine_due(engine, engine->phase_since + settle_time(engine)))
		stop_unsettled(engine);
}
