/*
 * order.c
 *		Do the frames of a connection follow one another as they must?
 *
 * Asked by flow.c for each frame; docs/protocol.md has the rules.
 */
#include "client/order.h"

#include <stddef.h>

void
order_init(Order *order)
{
	*order = (Order){.open = false};
}

static const char *
check_first(const Order *order, const FrameHead *head)
{
	if (order->open)
		return "a transaction begins within another one";
	if (head->end_lsn <= order->end_lsn)
		return "it ends before what came before it";
	return head->first_index == 0 ? NULL : "a transaction begins in its middle";
}

static const char *
check_next(const Order *order, const FrameHead *head)
{
	if (!order->open)
		return "a part of a transaction comes without the first one";
	if (head->commit_lsn != order->commit_lsn ||
		head->end_lsn != order->end_lsn)
		return "it is a part of another transaction";
	return head->first_index == order->next_index ? NULL
												  : "events are left out";
}

const char *
order_check(Order *order, const FrameHead *head)
{
	const char *wrong =
		frame_begins(head) ? check_first(order, head) : check_next(order, head);

	order->open = !frame_ends(head);
	order->commit_lsn = head->commit_lsn;
	order->end_lsn = head->end_lsn;
	order->next_index = head->first_index + head->count;
	return wrong;
}
