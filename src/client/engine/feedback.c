/*
 * feedback.c
 *		Which position may be confirmed to the server, and when.
 *
 * Between stream.c, which reads frames and keepalives and sends the position,
 * and the consumer's acknowledgements.  test/client/unit/test_feedback.c
 * compares it with a model over all short histories.
 */
#include "client/engine/feedback.h"

void
feedback_init(Feedback *feedback, uint64_t flushed)
{
	*feedback = (Feedback){
		.received = flushed, .delivered = flushed, .flushed = flushed};
}

void
feedback_free(Feedback *feedback)
{
	ring_free(&feedback->pending);
}

void
feedback_reconnected(Feedback *feedback)
{
	feedback->received = feedback->flushed;
	feedback->rewind |= feedback->open;
	feedback->open = false;
}

/*
 * The end of a transaction may not be known yet.  Records do not overlap, so
 * that one of which the commit begins before what was delivered ends there.
 */
bool
feedback_is_repeat(const Feedback *feedback, const FrameHead *head)
{
	return head->kind == FRAME_MESSAGE ? head->end_lsn <= feedback->delivered
									   : head->commit_lsn < feedback->delivered;
}

uint64_t
feedback_take_rewind(Feedback *feedback)
{
	if (!feedback->rewind)
		return 0;
	feedback->rewind = false;
	return feedback->open_commit;
}

bool
feedback_has_room(const Feedback *feedback)
{
	return feedback->pending.count < FEEDBACK_PENDING_MAX;
}

/* For a part the commit is known: its record either exists or does not. */
uint64_t
feedback_reached(const Feedback *feedback)
{
	bool in_part = feedback->open || feedback->rewind;

	return in_part && feedback->open_commit >= feedback->delivered
			   ? feedback->open_commit + 1
			   : feedback->delivered;
}

static uint64_t *
pending_at(const Feedback *feedback, uint32_t i)
{
	return ring_at(&feedback->pending, sizeof(uint64_t), i);
}

bool
feedback_delivered(Feedback *feedback, uint64_t commit_lsn, uint64_t end_lsn,
				   bool ends)
{
	feedback->open = !ends;
	feedback->open_commit = commit_lsn;
	if (!ends)
		return true;
	if (!ring_push(&feedback->pending, sizeof(end_lsn), &end_lsn))
		return false;
	feedback->delivered = end_lsn;
	if (end_lsn > feedback->received)
		feedback->received = end_lsn;
	return true;
}

void
feedback_delivered_late(Feedback *feedback, uint64_t prepare_lsn,
						uint64_t end_lsn, bool ends)
{
	feedback->open = !ends;
	feedback->open_commit = prepare_lsn;
	if (!ends)
		return;
	feedback->late[feedback->late_next++ % FEEDBACK_LATE_MAX] =
		(LatePrepare){prepare_lsn, end_lsn};
}

bool
feedback_is_late_repeat(const Feedback *feedback, uint64_t prepare_lsn)
{
	for (size_t i = 0; i < FEEDBACK_LATE_MAX; i++)
	{
		if (feedback->late[i].lsn == prepare_lsn)
			return true;
	}
	return false;
}

bool
feedback_was_late(const Feedback *feedback, uint64_t end_lsn)
{
	for (size_t i = 0; i < FEEDBACK_LATE_MAX; i++)
	{
		if (feedback->late[i].lsn != 0 && feedback->late[i].end_lsn == end_lsn)
			return true;
	}
	return false;
}

/*
 * Forget the pending ends up to "lsn"; is the last of them exactly there?
 * Nothing changes when it is not.
 */
static bool
close_up_to(Feedback *feedback, uint64_t lsn)
{
	uint32_t low = 0;
	uint32_t high = feedback->pending.count;

	while (low < high)
	{
		uint32_t middle = low + (high - low) / 2;

		if (*pending_at(feedback, middle) <= lsn)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || *pending_at(feedback, low - 1) != lsn)
		return false;
	ring_drop(&feedback->pending, low);
	return true;
}

FeedbackAck
feedback_ack(Feedback *feedback, uint64_t lsn)
{
	if (lsn == feedback->flushed)
		return ACK_SAME;
	if (lsn < feedback->flushed)
		return ACK_BACKWARDS;
	if (!close_up_to(feedback, lsn))
		return ACK_UNKNOWN;
	feedback->flushed = lsn;
	return ACK_MOVED;
}

bool
feedback_is_closed(const Feedback *feedback)
{
	return !feedback->open && !feedback->rewind && feedback->pending.count == 0;
}

bool
feedback_keepalive(Feedback *feedback, uint64_t lsn)
{
	if (lsn > feedback->received)
		feedback->received = lsn;
	if (!feedback_is_closed(feedback) || lsn <= feedback->flushed)
		return false;
	feedback->flushed = lsn;
	feedback->delivered = lsn;
	return true;
}
