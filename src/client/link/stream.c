/*
 * stream.c
 *		The replication connection: connect, read messages, send status.
 *
 * Between db.c and engine.c; stream_setup.c has the commands in between.
 */
#include "client/link/stream.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "client/link/stream_setup.h"

/* Seconds from 1970-01-01 to 2000-01-01. */
#define POSTGRES_EPOCH 946684800

void
stream_init(Stream *stream, const Settings *settings)
{
	*stream = (Stream){.settings = settings};
	stream->reached_timeline = (uint32_t) settings->timeline;
	if (settings->system_identifier != NULL)
		snprintf(stream->system_identifier, sizeof(stream->system_identifier),
				 "%s", settings->system_identifier);
}

bool
stream_open(Stream *stream, uint64_t position, uint64_t reached)
{
	stream->position = position;
	stream->reached = reached;
	stream->step = -1;
	stream->readable = stream->unflushed = stream->created = false;
	stream->server = 0;
	return db_open(&stream->db, stream->settings, true);
}

void
stream_close(Stream *stream)
{
	db_close(&stream->db);
}

uint64_t
stream_start(const Stream *stream)
{
	return stream->position > stream->confirmed ? stream->position
												: stream->confirmed;
}

short
stream_events(const Stream *stream, bool read)
{
	short events = 0;

	if (stream->db.state != DB_COPY)
		return db_events(&stream->db);
	if (read)
		events |= POLLIN;
	if (stream->unflushed)
		events |= POLLOUT;
	return events;
}

StreamEvent
stream_advance(Stream *stream, short revents)
{
	switch (db_advance(&stream->db, revents))
	{
		case DB_NOTHING:
			return STREAM_NOTHING;
		case DB_CONNECTED:
			return stream_setup_begin(stream);
		case DB_ANSWERED:
			return stream_setup_answer(stream);
		default:
			return stream_setup_failed(stream);
	}
}

static FailureStage
stream_stage(const Stream *stream)
{
	return stream->plugin == PLUGIN_PGOUTPUT ? STAGE_PGOUTPUT : STAGE_STREAM;
}

/* The stream is over without our doing: why? */
static StreamEvent
ended(Stream *stream)
{
	PGresult *result = PQgetResult(stream->db.conn);
	ExecStatusType status = PQresultStatus(result);

	stream->db.stage = stream_stage(stream);
	if (status == PGRES_COMMAND_OK || status == PGRES_COPY_IN)
		failure_set(&stream->db.failure, FAIL_SERVER_SHUTDOWN,
					"the server ended the stream");
	else
		db_set_failure(&stream->db, result);
	PQclear(result);
	return STREAM_FAILED;
}

static StreamEvent
accept_message(Stream *stream, StreamMessage *message)
{
	if (!copy_read(message->data, message->len, &message->copy))
	{
		failure_set(&stream->db.failure, FAIL_PROTOCOL,
					"the server sent a message that is not part of the "
					"streaming replication protocol");
		PQfreemem(message->data);
		return STREAM_FAILED;
	}
	if (message->copy.kind == COPY_FRAME)
		return STREAM_FRAME;
	PQfreemem(message->data);
	message->data = NULL;
	return STREAM_KEEPALIVE;
}

StreamEvent
stream_next(Stream *stream, StreamMessage *message)
{
	int len = db_next_copy(&stream->db, &stream->readable, &message->data);

	message->len = (size_t) len;
	if (len == 0)
		return STREAM_NOTHING;
	return len > 0 ? accept_message(stream, message) : ended(stream);
}

static int64_t
postgres_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((int64_t) now.tv_sec - POSTGRES_EPOCH) * 1000000 +
		   now.tv_nsec / 1000;
}

bool
stream_flush(Stream *stream)
{
	int pending = PQflush(stream->db.conn);

	stream->unflushed = pending > 0;
	if (pending < 0)
		db_set_failure(&stream->db, NULL);
	return pending >= 0;
}

/*
 * One at a time: while the last one could not be sent, another would only
 * make libpq read, which grows its buffer whether or not there is credit.
 */
bool
stream_send_status(Stream *stream, uint64_t written, uint64_t flushed,
				   bool reply_requested)
{
	char data[COPY_STATUS_SIZE];

	if (stream->unflushed)
		return stream_flush(stream);
	copy_status(data, written, flushed, postgres_clock(), reply_requested);
	if (PQputCopyData(stream->db.conn, data, sizeof(data)) == 1)
		return stream_flush(stream);
	stream->db.stage = stream_stage(stream);
	db_set_failure(&stream->db, NULL);
	return false;
}

void
stream_end(Stream *stream)
{
	if (PQputCopyEnd(stream->db.conn, NULL) == 1)
		stream_flush(stream);
}
