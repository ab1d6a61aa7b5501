/*
 * stream.h
 *		The replication connection: from connecting to the last message.
 *
 * Set-up is a script of commands (see stream_setup.c): pin the session,
 * identify the server, look at the slot, create it if that was asked for,
 * start.  Then messages come until the server or the engine ends them.
 */
#ifndef ETF_STREAM_H
#define ETF_STREAM_H

#include "client/copydata.h"
#include "client/db.h"

typedef enum StreamEvent
{
	STREAM_NOTHING,
	STREAM_STARTED,	  /* set-up is done, messages follow */
	STREAM_FRAME,	  /* message->data is the caller's to free() */
	STREAM_KEEPALIVE, /* see message->copy */
	STREAM_FAILED	  /* see stream->db.failure */
} StreamEvent;

typedef struct StreamMessage
{
	char *data;
	size_t len;
	CopyMessage copy;
} StreamMessage;

typedef struct Stream
{
	Db db;
	const Settings *settings;
	int step;		/* of the set-up */
	bool readable;	/* poll() saw bytes that were not read yet */
	bool unflushed; /* a status update is still in libpq's buffer */

	/*
	 * Where the consumer is; 0 before the first connection when it has
	 * stored nothing.  "resumes" is true once this process has streamed.
	 */
	uint64_t position;
	bool resumes;
	int reader_pid; /* of the walsender that streamed last; 0 */

	/*
	 * "position" is the consumer's last word as long as the slot is not
	 * beyond this: it was asked for when the slot was there.
	 */
	uint64_t vouched;
	uint64_t decoded; /* from the slot, when it was seen in our hands last */

	char system_identifier[24]; /* empty: not known yet */

	/*
	 * The end of what the consumer was given, and the timeline that this is
	 * of; 0: not known.  A standby may be promoted while it streams, so what
	 * came from one is of no certain timeline.
	 */
	uint64_t reached;
	uint32_t reached_timeline;

	/* What the set-up found. */
	uint32_t timeline;
	bool in_recovery; /* it is a standby */
	int server_version;
	int backend_pid;
	uint64_t server;		 /* SESSION_SERVER: which one it is */
	uint64_t server_lsn;	 /* the server's position at connect */
	uint64_t sender_timeout; /* milliseconds; 0: none */
	uint64_t confirmed;		 /* the slot's position */
	uint64_t found_decoded;	 /* see slot_decoded() */
	int holder_pid;			 /* of who reads the slot instead of us; 0 */
	bool synced;			 /* a standby's copy: the server itself holds it */
	bool created;			 /* by this connection */
	bool made;				 /* by this process, which never read it */
	bool without_failover;	 /* asked for, but the slot there has it not */
} Stream;

extern void stream_init(Stream *stream, const Settings *settings);

/* Connect, and start at "position"; "reached": what was delivered so far. */
extern bool stream_open(Stream *stream, uint64_t position, uint64_t reached);
extern void stream_close(Stream *stream);

extern short stream_events(const Stream *stream, bool read);

/* During the set-up. */
extern StreamEvent stream_advance(Stream *stream, short revents);

/*
 * After it: the next message.  Reads from the socket only when libpq holds
 * no whole message, so libpq's buffer is bounded by the largest message.
 */
extern StreamEvent stream_next(Stream *stream, StreamMessage *message);

/* Tell the server where we are.  False: the connection is lost. */
extern bool stream_send_status(Stream *stream, uint64_t written,
							   uint64_t flushed, bool reply_requested);
extern bool stream_flush(Stream *stream);

/* Ask the server to end the stream. */
extern void stream_end(Stream *stream);

/* Run the set-up; see stream_setup.c. */
extern StreamEvent stream_setup_begin(Stream *stream);
extern StreamEvent stream_setup_answer(Stream *stream);
extern StreamEvent stream_setup_failed(Stream *stream);

#endif
