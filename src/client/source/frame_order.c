/*
 * frame_order.c
 *		Do the frames of a connection follow one another as they must?
 *
 * Asked by flow.c for each frame; docs/protocol.md has the rules.
 */
#include "client/source/frame_order.h"

#include <stddef.h>

void
order_init(Order *order, uint64_t start, bool streaming, bool two_phase)
{
	*order =
		(Order){.start = start, .streaming = streaming, .two_phase = two_phase};
}

bool
order_is_late(const Order *order, const FrameHead *head)
{
	bool prepares =
		head->kind == FRAME_PREPARE || head->kind == FRAME_STREAM_PREPARE;

	return prepares && head->end_lsn <= order->start;
}

/* Where it ends may not be known yet; records do not overlap. */
static bool
is_before(const Order *order, const FrameHead *head)
{
	return head->end_lsn != 0 ? head->end_lsn <= order->end_lsn
							  : head->commit_lsn < order->end_lsn;
}

static const char *
check_first(const Order *order, const FrameHead *head)
{
	if (order->open)
		return "a transaction begins within another one";
	if (is_before(order, head) && !order_is_late(order, head))
		return "it ends before what came before it";
	return head->first_index == 0 ? NULL : "a transaction begins in its middle";
}

/* What the first part did not know the last one must tell. */
static bool
is_same_end(const Order *order, const FrameHead *head)
{
	return head->end_lsn == order->open_end ||
		   (order->open_end == 0 && frame_ends(head) &&
			head->end_lsn > head->commit_lsn);
}

static const char *
check_next(const Order *order, const FrameHead *head)
{
	if (!order->open)
		return "a part of a transaction comes without the first one";
	if (head->commit_lsn != order->commit_lsn || !is_same_end(order, head))
		return "it is a part of another transaction";
	return head->first_index == order->next_index ? NULL
												  : "events are left out";
}

static bool
is_asked_for(const Order *order, const FrameHead *head)
{
	switch (head->kind)
	{
		case FRAME_STREAM:
		case FRAME_STREAM_ABORT:
		case FRAME_STREAM_COMMIT:
			return order->streaming;
		case FRAME_STREAM_PREPARE:
			return order->streaming && order->two_phase;
		case FRAME_PREPARE:
		case FRAME_DECISION:
			return order->two_phase;
		case FRAME_READ:
		case FRAME_READ_END:
			return false;
		default:
			return true;
	}
}

/* A transaction in progress has no place in the order yet; see spool.c. */
static bool
has_place(const FrameHead *head)
{
	return head->kind != FRAME_STREAM && head->kind != FRAME_STREAM_ABORT;
}

const char *
order_check(Order *order, const FrameHead *head)
{
	const char *wrong;

	if (!is_asked_for(order, head))
		return "it is of a kind that was not asked for";
	if (!has_place(head))
		return order->open ? "a stream goes on within a transaction" : NULL;
	wrong =
		frame_begins(head) ? check_first(order, head) : check_next(order, head);
	if (wrong == NULL && frame_ends(head) && head->end_lsn == 0)
		wrong = "its end is not told";
	if (!order_is_late(order, head))
		order->end_lsn = head->end_lsn;
	order->open = !frame_ends(head);
	order->commit_lsn = head->commit_lsn;
	order->open_end = head->end_lsn;
	order->next_index = head->first_index + head->count;
	return wrong;
}
