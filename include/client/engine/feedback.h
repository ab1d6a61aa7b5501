/*
 * feedback.h
 *		Which position may be confirmed to the server, and when.
 *
 * The server believes every status update and never sends again what lies
 * before a flush position, so this module is the only owner of that position.
 * It moves in two ways:
 *
 *	- the consumer acknowledges the end of something that was delivered;
 *	- a keepalive says where the server is, while nothing is delivered and
 *	  unacknowledged, and no transaction is partly received.
 *
 * A transaction that was prepared before the server looked for such ones comes
 * late, when it is committed: its end lies before what is confirmed, so it
 * changes no position.  It is remembered, because each connection repeats it
 * until the commit is confirmed.
 *
 * Pure: no clock, no I/O.  Ends of what was delivered are kept until they
 * are acknowledged, oldest first, because only these are valid answers.
 */
#ifndef ETF_FEEDBACK_H
#define ETF_FEEDBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/base/ring.h"
#include "common/frame/read.h"

/* Up to this many may be open: 8 MB.  More must wait, as without credit. */
#define FEEDBACK_PENDING_MAX (1u << 20)

typedef enum FeedbackAck
{
	ACK_MOVED,
	ACK_SAME,	   /* the position is confirmed already */
	ACK_BACKWARDS, /* below what is confirmed */
	ACK_UNKNOWN	   /* never delivered */
} FeedbackAck;

/* So many late ones are remembered; one that was forgotten comes again. */
#define FEEDBACK_LATE_MAX 64

typedef struct LatePrepare
{
	uint64_t lsn; /* 0: none */
	uint64_t end_lsn;
} LatePrepare;

typedef struct Feedback
{
	uint64_t received;	/* end of what was read on this connection */
	uint64_t delivered; /* end of the last transaction handed over */
	uint64_t flushed;	/* what may be confirmed */

	Ring pending; /* ends delivered, not acknowledged: uint64_t */
	LatePrepare late[FEEDBACK_LATE_MAX];
	uint32_t late_next; /* the oldest, to be replaced */

	bool open;			  /* a transaction is partly delivered */
	uint64_t open_commit; /* its commit LSN */
	bool rewind;		  /* it must start again: the connection was lost */
} Feedback;

/* Start at the position that the consumer has, or 0. */
extern void feedback_init(Feedback *feedback, uint64_t flushed);
extern void feedback_free(Feedback *feedback);

/* A new connection: what was partly delivered is repeated. */
extern void feedback_reconnected(Feedback *feedback);

/*
 * Was this transaction (or message) delivered whole before?  Then it must not
 * be delivered again.
 */
extern bool feedback_is_repeat(const Feedback *feedback, const FrameHead *head);

/*
 * The transaction that must be announced as starting again before anything
 * else is delivered; 0 if there is none.  Asking clears it.
 */
extern uint64_t feedback_take_rewind(Feedback *feedback);

/* May one more transaction end be delivered? */
extern bool feedback_has_room(const Feedback *feedback);

/*
 * The end of all that was handed over, in whole or in part: a server whose
 * history ends before has not got what the consumer has.
 */
extern uint64_t feedback_reached(const Feedback *feedback);

/* A frame was handed over.  False: out of memory. */
extern bool feedback_delivered(Feedback *feedback, uint64_t commit_lsn,
							   uint64_t end_lsn, bool ends);

/* The same for a transaction that was prepared late. */
extern void feedback_delivered_late(Feedback *feedback, uint64_t prepare_lsn,
									uint64_t end_lsn, bool ends);
extern bool feedback_is_late_repeat(const Feedback *feedback,
									uint64_t prepare_lsn);

/* May this be acknowledged, although it is behind what is confirmed? */
extern bool feedback_was_late(const Feedback *feedback, uint64_t end_lsn);

extern FeedbackAck feedback_ack(Feedback *feedback, uint64_t lsn);

/*
 * The server is at "lsn", and all that was read before is handed over.  True
 * when the confirmed position moved.
 */
extern bool feedback_keepalive(Feedback *feedback, uint64_t lsn);

/* Is everything that was delivered acknowledged, and no transaction open? */
extern bool feedback_is_closed(const Feedback *feedback);

#endif
