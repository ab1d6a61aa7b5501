/*
 * feedback.c
 *		Which position may be confirmed to the server, and when.
 *
 * Between stream.c, which reads frames and keepalives and sends the position,
 * and the consumer's acknowledgements.  test/unit/test_client_feedback.c
 * compares it with a model over all short histories.
 */
#include "client/feedback.h"

#include <stdlib.h>
#include <string.h>

#define PENDING_START 64

void
feedback_init(Feedback *feedback, uint64_t flushed)
{
	*feedback = (Feedback){
		.received = flushed, .delivered = flushed, .flushed = flushed};
}

void
feedback_free(Feedback *feedback)
{
	free(feedback->pending);
	feedback->pending = NULL;
}

void
feedback_reconnected(Feedback *feedback)
{
	feedback->received = feedback->flushed;
	feedback->rewind |= feedback->open;
	feedback->open = false;
}

bool
feedback_is_repeat(const Feedback *feedback, uint64_t end_lsn)
{
	return end_lsn <= feedback->delivered;
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
	return feedback->count < FEEDBACK_PENDING_MAX;
}

/* Of a part, the commit is known: its record is there, or it is not. */
uint64_t
feedback_reached(const Feedback *feedback)
{
	bool in_part = feedback->open || feedback->rewind;

	return in_part && feedback->open_commit >= feedback->delivered
			   ? feedback->open_commit + 1
			   : feedback->delivered;
}

static bool
grow(Feedback *feedback)
{
	uint32_t size = feedback->size > 0 ? feedback->size * 2 : PENDING_START;
	uint64_t *pending = malloc(size * sizeof(uint64_t));

	if (pending == NULL)
		return false;
	for (uint32_t i = 0; i < feedback->count; i++)
		pending[i] =
			feedback->pending[(feedback->first + i) & (feedback->size - 1)];
	free(feedback->pending);
	feedback->pending = pending;
	feedback->size = size;
	feedback->first = 0;
	return true;
}

static uint64_t *
pending_at(const Feedback *feedback, uint32_t i)
{
	return &feedback->pending[(feedback->first + i) & (feedback->size - 1)];
}

bool
feedback_delivered(Feedback *feedback, uint64_t commit_lsn, uint64_t end_lsn,
				   bool ends)
{
	feedback->open = !ends;
	feedback->open_commit = commit_lsn;
	if (!ends)
		return true;
	if (feedback->count == feedback->size && !grow(feedback))
		return false;
	*pending_at(feedback, feedback->count++) = end_lsn;
	feedback->delivered = end_lsn;
	if (end_lsn > feedback->received)
		feedback->received = end_lsn;
	return true;
}

/*
 * Forget the pending ends up to "lsn"; is the last of them exactly there?
 * Nothing changes when it is not.
 */
static bool
close_up_to(Feedback *feedback, uint64_t lsn)
{
	uint32_t low = 0;
	uint32_t high = feedback->count;

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
	feedback->first += low;
	feedback->count -= low;
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
	return !feedback->open && !feedback->rewind && feedback->count == 0;
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
