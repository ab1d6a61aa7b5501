/*
 * wire.h
 *		A stream socket of a backend, and the one wait of the extension.
 *
 * Whatever goes to the sidecar or to a node goes through here, so that
 * a cancel, a time-out and the end of the server end each wait.
 *
 *		WireDeadline deadline = wire_deadline(timeout_ms);
 *		Wire *wire = wire_open_tcp("node shop@db1", "db1", 4370, deadline);
 *
 *		... greet each other ...
 *		wire->ready = true;
 *
 *		wire_begin(wire, wire_deadline(timeout_ms));
 *		wire_send(wire, request, request_len);
 *		packet = wire_receive(wire, 4, &len);
 *		wire_end(wire);
 *
 * From wire_begin to wire_end the wire is "busy": an answer is due.  Who
 * catches an ERROR closes the wire; one that is found busy has missed its
 * answer and is never used again, lest the next call take it for its own.
 *
 * Errors, each with the peer's name:
 *		08001	anything that goes wrong before the wire is ready
 *		08000	the deadline has passed
 *		08006	the peer closed; if busy, what was asked may have been done
 *		54000	a packet is longer than max_packet; nothing was allocated
 *		53000	the server has no descriptor left
 *
 * A Wire lives until wire_close, whatever memory context is current.
 */
#ifndef ETF_WIRE_H
#define ETF_WIRE_H

#include "storage/latch.h"

/* Of a clock that nobody sets. */
typedef struct WireDeadline
{
	int64 at; /* microseconds */
	int timeout_ms;
} WireDeadline;

typedef struct Wire
{
	char *peer;			   /* "the sidecar", "node shop@db1" */
	volatile int socket;   /* a signal handler may shut it down */
	bool ready;			   /* greeted: what is asked now may be done */
	bool busy;			   /* an answer is due */
	bool message;		   /* nothing is run for what is sent */
	bool closed;		   /* by the peer, or lost */
	int error;			   /* why it was lost; 0: the peer closed */
	uint32 max_packet;	   /* what wire_receive accepts */
	uint32 wait_event;	   /* what pg_stat_activity shows */
	WireDeadline deadline; /* of the present call, or of opening */

	/* Of wire.c. */
	MemoryContext context;
	WaitEventSet *set;
	int socket_place; /* in the set */
	char *buffer;	  /* read but not yet asked for: from start to end */
	uint32 start;
	uint32 end;
} Wire;

#define WIRE_MAX_PACKET (16 * 1024 * 1024)

/* Microseconds of that clock, which a signal handler may ask. */
extern int64 wire_now(void);

extern WireDeadline wire_deadline(int timeout_ms);

/* Milliseconds that are left, rounded up; 0: it has passed. */
extern long wire_left(WireDeadline deadline);

extern Wire *wire_open_unix(const char *peer, const char *path,
							WireDeadline deadline);

/* Resolving a host's name blocks, as it does in libpq; an address never. */
extern Wire *wire_open_tcp(const char *peer, const char *host, int port,
						   WireDeadline deadline);

/* NULL is fine. */
extern void wire_close(Wire *wire);

static inline void
wire_begin(Wire *wire, WireDeadline deadline)
{
	wire->deadline = deadline;
	wire->busy = true;
	wire->message = false;
}

static inline void
wire_end(Wire *wire)
{
	wire->busy = false;
}

/* Returns when the kernel has all of it. */
extern void wire_send(Wire *wire, const char *bytes, size_t len);

/*
 * In two steps, of which the second neither waits nor raises an ERROR: see
 * that the kernel has room for so much, then give it to the kernel.  False if
 * it did not take all of it; the wire is closed then.  54000 if the kernel never
 * has room for so much.
 */
extern void wire_reserve(Wire *wire, size_t len);
extern bool wire_push(Wire *wire, const char *bytes, size_t len);

/* Exactly "len" bytes. */
extern void wire_read(Wire *wire, char *bytes, size_t len);

/*
 * The next packet: a length of "head" bytes (2 or 4), then as many bytes.
 * Allocated in the current context, with a zero byte behind it.
 */
extern char *wire_receive(Wire *wire, int head, size_t *len);

/*
 * Wait for a packet that wire_receive can begin to return; false when the
 * peer has closed before.
 */
extern bool wire_await(Wire *wire, int head);

/*
 * Without waiting: is there a packet that wire_receive returns at once, or a
 * long one that has begun?  If not, wire->closed tells whether one may come.
 */
extern bool wire_poll(Wire *wire, int head);

/* Wait so long, at most until the deadline, or until something happens. */
extern void wire_pause(Wire *wire, int ms);

#endif
