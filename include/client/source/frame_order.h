/*
 * frame_order.h
 *		Do the frames of a connection follow one another as they must?
 *
 * A frame that is missing or repeated would otherwise be mistaken for one that
 * was delivered before, and be lost silently.
 */
#ifndef ETF_ORDER_H
#define ETF_ORDER_H

#include "common/frame/read.h"

typedef struct Order
{
	bool open;			 /* a transaction is partly read */
	uint64_t commit_lsn; /* its own */
	uint64_t open_end;	 /* where it ends */
	uint64_t next_index; /* of its next event */
	uint64_t end_lsn;	 /* of what was read last */
	uint64_t start;		 /* of the connection */
	bool streaming;		 /* it was asked for transactions in progress, */
	bool two_phase;		 /* and for prepared ones */
} Order;

/* A new connection, which starts after this position. */
extern void order_init(Order *order, uint64_t start, bool streaming,
					   bool two_phase);

/*
 * Was it prepared before the server looked for such transactions?  It comes
 * right before it is committed, and ends before what was confirmed.
 */
extern bool order_is_late(const Order *order, const FrameHead *head);

/* NULL, or what is wrong with this frame, a constant text. */
extern const char *order_check(Order *order, const FrameHead *head);

#endif
