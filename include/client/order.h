/*
 * order.h
 *		Do the frames of a connection follow one another as they must?
 *
 * A frame that is left out or comes twice would otherwise be taken for one that
 * was delivered before, and be missing without a word.
 */
#ifndef ETF_ORDER_H
#define ETF_ORDER_H

#include "common/frame.h"

typedef struct Order
{
	bool open;			 /* a transaction is partly read */
	uint64_t commit_lsn; /* its own */
	uint64_t end_lsn;	 /* of what was read last */
	uint64_t next_index; /* of its next event */
} Order;

/* A new connection. */
extern void order_init(Order *order);

/* NULL, or what is wrong with this frame, a constant text. */
extern const char *order_check(Order *order, const FrameHead *head);

#endif
