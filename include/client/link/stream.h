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

#include "client/link/stream_state.h"

extern void stream_init(Stream *stream, const Settings *settings);

/* Connect, and start at "position"; "reached": what was delivered so far. */
extern bool stream_open(Stream *stream, uint64_t position, uint64_t reached);
extern void stream_close(Stream *stream);

/* After what the server starts, once it is set up. */
extern uint64_t stream_start(const Stream *stream);

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

#endif
