/*
 * stop.c
 *		A clean end: the last position confirmed, the stream ended.
 *
 * Called by engine.c.  The server does not answer a status update, so the
 * slot itself is asked, over the control connection, which may be on its way
 * yet; without one the update is sent and taken for good.
 */
#include "client/engine.h"

#include <poll.h>
#include <stdlib.h>

/* Milliseconds between two looks at the slot. */
#define CONFIRM_POLL_MS 20

/* In a large transaction the server may go on for long after CopyDone. */
#define END_MS 1000

static void
begin_ending(Engine *engine)
{
	flow_drop_held(engine);
	engine_set_phase(engine, ENGINE_ENDING);
	stream_end(&engine->stream);
}

/* Has the slot what was flushed?  Nothing flushed is nothing to wait for. */
static bool
is_confirmed(const Engine *engine)
{
	const Control *control = &engine->control;

	return engine->feedback.flushed == 0 ||
		   (control->heard_at >= engine->stopping_since &&
			control->slot.confirmed >= engine->feedback.flushed);
}

/* Acknowledgements that came with the request to stop count as well. */
void
stop_turn_confirming(Engine *engine, short revents)
{
	int64_t limit = (int64_t) engine->settings->stop_timeout / 2;

	(void) revents;
	if (engine->feedback.flushed != engine->told || engine->stream.unflushed)
		engine_send_status(engine, true);
	if (engine->phase != ENGINE_CONFIRMING)
		return;
	if (is_confirmed(engine) ||
		(engine->control.db.state == DB_CLOSED && !engine->stream.unflushed))
		begin_ending(engine);
	else if (engine_due(engine, engine->stopping_since + limit))
	{
		consumer_log(
			engine->consumer, "warning",
			"the last position is not confirmed: it may be sent again");
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
		engine_finish(engine);
}
