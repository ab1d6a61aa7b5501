/*
 * status.c
 *		When to send a status update to the server, and with what.
 *
 * Called by watch.c each turn, and by connect.c, flow.c and stop.c where
 * something has to be sent at once.
 */
#include "client/engine/status.h"

#include "client/engine/attempt.h"

/* Status updates because the position moved are sent no closer than this. */
#define STATUS_SPACING_MS 1000

/* Whatever timeout a server names, it does not keep us busy. */
#define STATUS_MIN_MS 100

/* After this much silence, while we wait to hear of an end, we ask. */
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
status_send(Engine *engine, bool reply_requested)
{
	const Feedback *feedback = &engine->feedback;
	bool last_waits = engine->stream.unflushed;

	engine->status_at = engine->now;
	engine->stats.statuses++;
	if (!stream_send_status(&engine->stream, feedback->received,
							engine->settings->peek ? 0
												   : engine_confirmable(engine),
							reply_requested))
	{
		attempt_failed(engine, &engine->stream.db.failure);
		return;
	}
	/* Then only the last one went out. */
	if (last_waits)
		return;
	engine->told_lsn = engine_confirmable(engine);
	if (engine->position_is_new)
		consumer_position(engine->consumer, "position", feedback->flushed);
	engine->position_is_new = false;
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

	return engine_listens(engine) &&
		   (engine->catch_up_to != 0 || engine->exact.park_at != 0 ||
			engine->await_lsn > engine->passed_lsn ||
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

void
status_turn(Engine *engine)
{
	bool moved = engine_confirmable(engine) != engine->told_lsn;
	int64_t spacing = status_interval(engine);

	if (spacing > STATUS_SPACING_MS)
		spacing = STATUS_SPACING_MS;
	if (engine_due(engine, status_due(engine)))
		status_send(engine, true);
	else if (moved && engine_due(engine, engine->status_at + spacing))
		status_send(engine, false);
	engine_due(engine, status_due(engine));
}
