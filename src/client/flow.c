/*
 * flow.c
 *		The way of a frame, and of a keepalive, while there is credit.
 *
 * Between stream.c, which reads them, and the consumer.  One frame at most is
 * read ahead and held.  While one is held nothing is read from the socket, so
 * that the server feels it; while none is held keepalives are read whether or
 * not there is credit.
 */
#include "client/engine.h"

#include <stdlib.h>

/* Messages in one turn: the consumer's commands must not wait longer. */
#define TURN_MESSAGES 512

/*
 * A server that shuts down asks without pause until all is confirmed.  So
 * many requests at the same position within a second are such a storm.
 */
#define STORM_PINGS 5
#define STORM_MS 1000

static bool
is_wanted(const Engine *engine)
{
	uint64_t events = engine->held.data != NULL ? engine->held.head.count : 1;

	return feedback_has_room(&engine->feedback) &&
		   credit_allows(&engine->credit, events);
}

bool
flow_may_deliver(const Engine *engine)
{
	return consumer_has_room(engine->consumer) && is_wanted(engine);
}

bool
flow_is_unwanted(const Engine *engine)
{
	return engine->held.data != NULL && !is_wanted(engine);
}

void
flow_drop_held(Engine *engine)
{
	free(engine->held.data);
	engine->held.data = NULL;
}

static bool
is_sound(Engine *engine, const char *frame, size_t len, FrameHead *head)
{
	const char *wrong;
	Failure failure;

	if (!frame_read_head(frame, len, head))
		failure_set(&failure, FAIL_PROTOCOL,
					"a frame cannot be read: %s at byte %zu", head->error,
					head->error_offset);
	else if ((wrong = order_check(&engine->order, head)) != NULL)
		failure_set(&failure, FAIL_PROTOCOL,
					"frames are out of order: %s, transaction %u, which ends "
					"at %llu",
					wrong, head->xid, (unsigned long long) head->end_lsn);
	else
		return true;
	engine_failed(engine, &failure);
	return false;
}

/*
 * Hold a frame, unless it was delivered before or lies beyond the end.  Those
 * are read all the same: a server that cannot write cannot be stopped.
 */
static void
accept_frame(Engine *engine, const StreamMessage *message)
{
	HeldFrame *held = &engine->held;
	const Settings *settings = engine->settings;

	shrink_message(&engine->shrink, message->len, engine->now);
	held->data = message->data;
	held->offset = message->copy.payload;
	held->end = message->len;
	if (!is_sound(engine, held->data + held->offset, held->end - held->offset,
				  &held->head))
		return;
	if (feedback_is_repeat(&engine->feedback, held->head.end_lsn))
	{
		engine->stats.repeats++;
		flow_drop_held(engine);
	}
	else if (settings->endpos > 0 && held->head.end_lsn > settings->endpos)
	{
		engine->at_end = true;
		flow_drop_held(engine);
	}
}

static void
check_caught_up(Engine *engine, uint64_t lsn)
{
	if (lsn > engine->server_lsn)
		engine->server_lsn = lsn;
	if (engine->settings->endpos > 0 && lsn >= engine->settings->endpos)
		engine->at_end = true;
	if (engine->catch_up_to == 0 || lsn < engine->catch_up_to)
		return;
	engine->catch_up_to = 0;
	consumer_position(engine->consumer, "caught_up", lsn);
}

static void
hand_over(Engine *engine, const HeldFrame *held)
{
	const FrameHead *head = &held->head;
	size_t bytes = consumer_deliver(engine->consumer, head, held->data,
									held->offset, held->end);

	credit_spend(&engine->credit, head->count, bytes);
	engine->stats.frames++;
	engine->stats.transactions += frame_ends(head);
}

static void
deliver_held(Engine *engine)
{
	HeldFrame held = engine->held;
	uint64_t rewind = feedback_take_rewind(&engine->feedback);
	Failure failure;

	engine->held.data = NULL;
	engine->stalled_at = 0;
	engine->pings = 0;
	/* A position before this is told now or never. */
	engine->announce = false;
	if (rewind != 0)
	{
		engine->stats.rewinds++;
		consumer_position(engine->consumer, "rewind", rewind);
	}
	hand_over(engine, &held);
	if (!feedback_delivered(&engine->feedback, held.head.commit_lsn,
							held.head.end_lsn, frame_ends(&held.head)))
	{
		failure_set(&failure, FAIL_INTERNAL, "out of memory");
		engine_fail(engine, &failure);
		return;
	}
	if (!frame_ends(&held.head))
		return;
	backoff_reset(&engine->backoff);
	check_caught_up(engine, held.head.end_lsn);
}

/*
 * A position without changes.  A consumer that stores positions must have it
 * first: else the slot would be ahead of what it stored, as after a loss.  At
 * the end what came before it was dropped, so it is not followed.
 */
static void
follow(Engine *engine, uint64_t lsn)
{
	Feedback *feedback = &engine->feedback;

	if (engine->at_end)
		return;
	if (!engine->settings->ack_positions)
		engine->announce |= feedback_keepalive(feedback, lsn);
	else if (feedback_is_closed(feedback) && lsn > feedback->flushed &&
			 feedback_delivered(feedback, lsn, lsn, true))
		consumer_position(engine->consumer, "position", lsn);
}

/*
 * Reply, with what is confirmed.  In a storm reply that everything was
 * received, and nothing about what is confirmed: the slot stays where it is
 * and the server is let go.
 */
static void
answer_ping(Engine *engine, uint64_t lsn)
{
	if (engine->pings == 0 || lsn != engine->ping_lsn ||
		engine->now - engine->ping_since > STORM_MS)
	{
		engine->pings = 0;
		engine->ping_lsn = lsn;
		engine->ping_since = engine->now;
	}
	if (++engine->pings <= STORM_PINGS)
		engine_send_status(engine, false);
	else if (!stream_send_status(&engine->stream, lsn, 0, false))
		engine_failed(engine, &engine->stream.db.failure);
}

static void
accept_keepalive(Engine *engine, const CopyMessage *keepalive)
{
	engine->stats.keepalives++;
	follow(engine, keepalive->wal_end);
	check_caught_up(engine, keepalive->wal_end);
	if (keepalive->reply_requested)
		answer_ping(engine, keepalive->wal_end);
}

/* Take one message.  False: there is none now, or the stream is over. */
static bool
take_message(Engine *engine)
{
	StreamMessage message;

	switch (stream_next(&engine->stream, &message))
	{
		case STREAM_FRAME:
			accept_frame(engine, &message);
			break;
		case STREAM_KEEPALIVE:
			accept_keepalive(engine, &message.copy);
			break;
		case STREAM_FAILED:
			engine_failed(engine, &engine->stream.db.failure);
			return false;
		default:
			return false;
	}
	engine->heard_at = engine->now;
	return engine->phase == ENGINE_STREAMING;
}

void
flow_turn(Engine *engine, bool readable)
{
	engine->stream.readable |= readable;
	for (int i = 0; i < TURN_MESSAGES; i++)
	{
		if (engine->held.data == NULL && !take_message(engine))
			return;
		if (engine->held.data == NULL)
			continue;
		if (!flow_may_deliver(engine))
		{
			if (engine->stalled_at == 0)
				engine->stalled_at = engine->now;
			return;
		}
		deliver_held(engine);
	}
	/* More may wait inside libpq, where poll() does not see it. */
	engine->wake_at = engine->now;
}
