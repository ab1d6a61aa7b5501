/*
 * flow.c
 *		The way of a frame, and of a keepalive, while there is credit.
 *
 * Between stream.c, which reads them, and the consumer.  One frame at most is
 * read ahead and held.  While one is held nothing is read from the socket, so
 * that the server feels it; while none is held keepalives are read whether or
 * not there is credit.
 */
#include "client/engine/flow.h"

#include <stdlib.h>

#include "client/base/printable.h"
#include "client/engine/attempt.h"
#include "client/engine/status.h"
#include "client/engine/streams.h"

/* Messages in one turn: the consumer's commands must not wait longer. */
#define TURN_MESSAGES 512

/* Bytes that it writes into files of transactions in progress. */
#define TURN_SPOOLED (4u << 20)

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

/*
 * Must it wait until tables have been read?  What is committed while a snapshot
 * is made may be in it or not, so it waits until that is known.
 */
static bool
comes_after_reads(const Engine *engine)
{
	const Exact *exact = &engine->exact;
	const FrameHead *head = &engine->held.head;

	if (engine->held.data == NULL || !frame_begins(head))
		return false;
	return exact->maker.creates ||
		   (exact->park_at != 0 && head->commit_lsn >= exact->park_at);
}

bool
flow_may_deliver(const Engine *engine)
{
	return consumer_has_room(engine->consumer) && is_wanted(engine) &&
		   !engine->exact.stopping && engine->stop_held_since == 0 &&
		   !comes_after_reads(engine);
}

bool
flow_is_unwanted(const Engine *engine)
{
	return engine->held.data != NULL && !is_wanted(engine);
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
	attempt_failed(engine, &failure);
	return false;
}

/*
 * Does it lie beyond the end?  That of a transaction in parts may not be known
 * yet, so what was decided of the first one holds for all.
 */
static bool
is_beyond(const Engine *engine, const FrameHead *head)
{
	uint64_t endpos = engine->settings->endpos;

	if (endpos == 0 || !frame_begins(head))
		return endpos > 0 && engine->at_end;
	return head->end_lsn != 0 ? head->end_lsn > endpos
							  : head->commit_lsn >= endpos;
}

/*
 * A position without changes.  A consumer that stores positions must have it
 * first: else the slot would be ahead of what it stored, as after a loss.  At
 * the end what came before it was dropped, so it is not followed.
 */
static void
take_position(Engine *engine, uint64_t lsn)
{
	Feedback *feedback = &engine->feedback;

	if (engine->at_end)
		return;
	if (!engine->settings->ack_positions)
		engine->position_is_new |= feedback_keepalive(feedback, lsn);
	else if (feedback_is_closed(feedback) && lsn > feedback->flushed &&
			 feedback_delivered(feedback, lsn, lsn, true))
		consumer_position(engine->consumer, "position", lsn);
}

static void
check_caught_up(Engine *engine, uint64_t lsn)
{
	if (lsn > engine->passed_lsn)
		engine->passed_lsn = lsn;
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
pass_position(Engine *engine, uint64_t lsn)
{
	Exact *exact = &engine->exact;

	take_position(engine, lsn);
	check_caught_up(engine, lsn);
	if (exact->park_at != 0 && lsn >= exact->park_at && !engine->feedback.open)
		exact->arrived = true;
}

static bool
is_repeat(const Engine *engine, const FrameHead *head)
{
	return order_is_late(&engine->order, head)
			   ? feedback_is_late_repeat(&engine->feedback, head->commit_lsn)
			   : feedback_is_repeat(&engine->feedback, head);
}

/* Was it delivered before, or does it lie beyond the end? */
static bool
is_passed_over(Engine *engine, const FrameHead *head)
{
	if (is_repeat(engine, head))
		engine->stats.repeats++;
	else if (is_beyond(engine, head))
		engine->at_end = true;
	else
		return false;
	return true;
}

/*
 * Hold a frame, unless it is not to be delivered.  Those are read all the same:
 * a server that cannot write cannot be stopped.  What is in progress is kept,
 * which needs no credit.
 */
static void
accept_frame(Engine *engine, const StreamMessage *message)
{
	HeldFrame *held = &engine->held;
	FrameHead *head = &held->head;

	shrink_message(&engine->shrink, message->len, engine->now);
	held->data = message->data;
	held->offset = message->copy.payload;
	held->end = message->len;
	if (!is_sound(engine, held->data + held->offset, held->end - held->offset,
				  head))
		return;
	if (streams_have(head))
		streams_keep(engine);
	else if (is_passed_over(engine, head))
		streams_forget(engine, head);
	else if (!streams_end_with(head))
		return;
	else if (streams_end(engine))
		pass_position(engine, head->end_lsn);
	held_drop(held);
}

static void
hand_over(Engine *engine, const HeldFrame *held)
{
	const FrameHead *head = &held->head;
	size_t bytes = consumer_deliver(engine->consumer, head, held->data,
									held->offset, held->end);

	credit_spend(&engine->credit, head->count, bytes);
	engine->changed_at = engine->now;
	engine->stats.frames++;
	engine->stats.transactions += frame_ends(head);
}

static bool
note_delivered(Engine *engine, const FrameHead *head)
{
	Feedback *feedback = &engine->feedback;
	bool ends = frame_ends(head);

	if (!order_is_late(&engine->order, head))
		return feedback_delivered(feedback, head->commit_lsn, head->end_lsn,
								  ends);
	feedback_delivered_late(feedback, head->commit_lsn, head->end_lsn, ends);
	return true;
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
	/* A position before this is reported now or never. */
	engine->position_is_new = false;
	if (rewind != 0)
	{
		engine->stats.rewinds++;
		consumer_position(engine->consumer, "rewind", rewind);
	}
	hand_over(engine, &held);
	if (!note_delivered(engine, &held.head))
	{
		failure_set(&failure, FAIL_INTERNAL, "out of memory");
		attempt_abandon(engine, &failure);
		return;
	}
	if (!frame_ends(&held.head))
		return;
	backoff_reset(&engine->backoff);
	check_caught_up(engine, held.head.end_lsn);
}

/*
 * Reply, with what is confirmed.  In a storm of requests reply that everything
 * was received, without confirming anything: the slot stays where it is and
 * the server is released.
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
		status_send(engine, false);
	else if (!stream_send_status(&engine->stream, lsn, 0, false))
		attempt_failed(engine, &engine->stream.db.failure);
}

static void
accept_keepalive(Engine *engine, const CopyMessage *keepalive)
{
	engine->stats.keepalives++;
	pass_position(engine, keepalive->wal_end);
	if (keepalive->reply_requested)
		answer_ping(engine, keepalive->wal_end);
}

/* What the plugin warns of, such as a publication that is missing. */
static void
pass_warning(Engine *engine)
{
	char *warning = engine->stream.db.warning;

	if (warning[0] == '\0')
		return;
	consumer_log(engine->consumer, "warning", "the server: %s", warning);
	warning[0] = '\0';
}

static void
pass_unread(Engine *engine)
{
	char text[1024];

	if (!source_unread(&engine->source, text, sizeof(text)))
		return;
	make_printable(text);
	consumer_log(engine->consumer, "warning", "%s", text);
}

/* Take one message.  False: there is none now, or the stream is over. */
static bool
take_message(Engine *engine)
{
	StreamMessage message;
	StreamEvent event = source_next(&engine->source, &message);

	pass_warning(engine);
	pass_unread(engine);
	switch (event)
	{
		case STREAM_FRAME:
			accept_frame(engine, &message);
			break;
		case STREAM_KEEPALIVE:
			accept_keepalive(engine, &message.copy);
			break;
		case STREAM_TAKEN:
			break;
		case STREAM_FAILED:
			if (!streams_spared(engine))
				attempt_failed(engine, &engine->stream.db.failure);
			return false;
		default:
			return false;
	}
	engine->heard_at = engine->now;
	return engine->phase == ENGINE_STREAMING;
}

/* Fill the hand, if it is empty. */
static bool
take_next(Engine *engine)
{
	if (engine->held.data != NULL)
		return true;
	return replay_runs(&engine->replay) ? streams_next(engine)
										: take_message(engine);
}

/*
 * The socket is empty.  A Unix socket holds some sixty rows, and the server
 * would wait for room.
 */
static void
rest(Engine *engine)
{
	if (!db_is_local(&engine->stream.db))
		gather_rest(&engine->gather, engine->now);
	engine_due(engine, engine->gather.listen_at);
}

void
flow_turn(Engine *engine, bool readable)
{
	const Spool *spool = &engine->spool;
	uint64_t written = spool->written;

	engine->stream.readable |= readable;
	for (int i = 0;
		 i < TURN_MESSAGES && spool->written - written < TURN_SPOOLED; i++)
	{
		if (!take_next(engine))
		{
			rest(engine);
			return;
		}
		gather_message(&engine->gather, engine->now);
		if (engine->held.data == NULL)
			continue;
		if (!flow_may_deliver(engine))
		{
			if (engine->stalled_at == 0)
				engine->stalled_at = engine->now;
			engine->exact.arrived |=
				engine->exact.park_at != 0 && comes_after_reads(engine);
			return;
		}
		deliver_held(engine);
	}
	/* More may wait inside libpq, where poll() does not see it. */
	engine->wake_at = engine->now;
}
