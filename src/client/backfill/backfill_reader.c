/*
 * backfill_reader.c
 *		A connection that reads rows: statements in, frames out.
 *
 * Over db.c; backfill_session.c has how it begins, backfill_request.c the
 * statement that reads a chunk.
 */
#include "client/backfill/backfill_reader.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* What stands in front of the first row, and of each one. */
#define COPY_SIGNATURE "PGCOPY\n\377\r\n"
#define COPY_HEADER_SIZE 19
#define COPY_ROW_SIZE 6
#define COPY_TRAILER_SIZE 2

void
reader_open(Reader *reader, ReaderUse use, const Settings *settings,
			const Hosts *hosts, uint64_t server, const char *identifier,
			int64_t now)
{
	reader_close(reader);
	reader->use = use;
	reader->server = server;
	snprintf(reader->identifier, sizeof(reader->identifier), "%s", identifier);
	if (hosts != NULL)
		reader->db.host_order = *hosts;
	reader->state =
		db_open(&reader->db, settings, false) ? READER_OPENING : READER_DOOMED;
	reader->give_up_at =
		now + (int64_t) settings->connect_timeout * (reader->db.hosts + 1);
}

void
reader_close(Reader *reader)
{
	db_close(&reader->db);
	copy_rows_free(&reader->rows);
	free(reader->schema);
	*reader = (Reader){.db = reader->db};
}

/* Does it make the frames by itself? */
static bool
copies_rows(const Reader *reader)
{
	return reader->rows.source.plan != NULL;
}

static ReaderEvent
broken(Reader *reader)
{
	reader->state = READER_BROKEN;
	reader->trouble = TROUBLE_LOST;
	return READER_FAILED;
}

/* What was planned is not so any more: the owner plans anew. */
static ReaderEvent
outdated(Reader *reader, ReaderTrouble trouble, const char *what)
{
	Failure *failure = &reader->db.failure;

	reader_close(reader);
	failure_set(failure, FAIL_SERVER_ERROR, "%s", what);
	reader->trouble = trouble;
	return READER_FAILED;
}

static ReaderEvent
failed(Reader *reader)
{
	ReaderTrouble trouble = trouble_of(reader->db.failure.sqlstate);

	if (reader->state < READER_IDLE || trouble == TROUBLE_LOST ||
		PQstatus(reader->db.conn) != CONNECTION_OK)
		return broken(reader);
	reader->trouble = trouble;
	reader->state = READER_FAILING;
	return READER_FAILED;
}

static ReaderEvent
protocol_violated(Reader *reader, const char *what)
{
	failure_set(&reader->db.failure, FAIL_PROTOCOL,
				"what was read cannot be passed on: %s", what);
	return broken(reader);
}

static ReaderEvent
connected(Reader *reader)
{
	StrBuf sql = {0};
	bool sent;

	reader_put_session(reader, &sql);
	reader->state = READER_PINNING;
	sent = !sql.failed && db_send(&reader->db, STAGE_SETUP, sql.data);
	strbuf_free(&sql);
	return sent ? READER_NOTHING : broken(reader);
}

static ReaderEvent
pinned(Reader *reader)
{
	if (!reader_take_session(reader))
		return broken(reader);
	reader->state = READER_IDLE;
	return READER_READY;
}

static ReaderEvent
roll_back(Reader *reader)
{
	reader->state = READER_ROLLING_BACK;
	return db_send(&reader->db, STAGE_SETUP, "ROLLBACK") ? READER_NOTHING
														 : broken(reader);
}

static ReaderEvent
idle(Reader *reader, ReaderEvent event)
{
	reader->state = READER_IDLE;
	return event;
}

static ReaderEvent
answered(Reader *reader)
{
	switch (reader->state)
	{
		case READER_PINNING:
			return pinned(reader);
		case READER_DRAINING:
			return roll_back(reader);
		case READER_ROLLING_BACK:
			return idle(reader, READER_READY);
		default:
			return idle(reader, READER_DONE);
	}
}

static ReaderEvent
begin_copy(Reader *reader)
{
	if (copies_rows(reader) && !db_is_true(&reader->db, "same"))
		return outdated(reader, TROUBLE_REWRITTEN, "the table was altered");
	reader->state = READER_COPYING;
	reader->copy_begun = false;
	reader->readable = true;
	return READER_COPY;
}

static ReaderEvent
take_event(Reader *reader, DbEvent event)
{
	switch (event)
	{
		case DB_CONNECTED:
			return connected(reader);
		case DB_ANSWERED:
			return answered(reader);
		case DB_COPIES:
			return begin_copy(reader);
		case DB_FAILED:
			return failed(reader);
		default:
			return READER_NOTHING;
	}
}

/* Where the frame begins: behind a header perhaps, its count and its length. */
static size_t
frame_offset(Reader *reader, const char *row, size_t len)
{
	size_t offset = 0;

	if (!reader->copy_begun && len >= COPY_HEADER_SIZE &&
		memcmp(row, COPY_SIGNATURE, sizeof(COPY_SIGNATURE) - 1) == 0)
		offset = COPY_HEADER_SIZE;
	reader->copy_begun = true;
	return offset + COPY_ROW_SIZE;
}

static bool
is_trailer(const char *row, size_t len)
{
	return len >= COPY_TRAILER_SIZE &&
		   memcmp(row + len - COPY_TRAILER_SIZE, "\377\377", 2) == 0 &&
		   (len == COPY_TRAILER_SIZE ||
			len == COPY_HEADER_SIZE + COPY_TRAILER_SIZE);
}

static bool
read_frame(ReadFrame *frame)
{
	const char *bytes = frame->block + frame->offset;
	size_t len = frame->end - frame->offset;

	if (!frame_read_head(bytes, len, &frame->head))
		return false;
	return frame->head.kind == FRAME_READ ||
		   (frame->head.kind == FRAME_READ_END &&
			frame_read_end(bytes, len, &frame->head, &frame->last));
}

static ReaderEvent
give_frame(Reader *reader, char *block, size_t offset, size_t len)
{
	ReadFrame *frame = &reader->frame;

	*frame = (ReadFrame){.block = block, .offset = offset, .end = len};
	if (offset < len && read_frame(frame))
		return READER_FRAME;
	free(block);
	frame->block = NULL;
	return protocol_violated(reader, frame->head.error != NULL
										 ? frame->head.error
										 : "no frame of rows");
}

/* No row has come: not yet, or there is no other. */
static ReaderEvent
end_rows(Reader *reader, int len)
{
	if (len == 0)
		return READER_NOTHING;
	if (len == -1)
	{
		reader->state = READER_RUNNING;
		return take_event(reader, db_end_copy(&reader->db));
	}
	db_set_failure(&reader->db, NULL);
	return broken(reader);
}

/* etf_read() has made them. */
static ReaderEvent
take_frames(Reader *reader)
{
	char *row = NULL;
	int len = db_next_copy(&reader->db, &reader->readable, &row);

	if (len > 0 && is_trailer(row, (size_t) len))
	{
		PQfreemem(row);
		len = db_next_copy(&reader->db, &reader->readable, &row);
	}
	return len > 0 ? give_frame(reader, row,
								frame_offset(reader, row, (size_t) len),
								(size_t) len)
				   : end_rows(reader, len);
}

/* What was made of rows, and behind the last one their end. */
static ReaderEvent
give_rows(Reader *reader)
{
	CopyRows *rows = &reader->rows;
	bool frame = copy_rows_has_frame(rows);
	size_t len;
	char *block =
		frame ? copy_rows_frame(rows, &len) : copy_rows_end(rows, &len);

	if (!frame)
		copy_rows_free(rows);
	return give_frame(reader, block, 0, len);
}

static Copied
take_row(Reader *reader, const char *row, int len)
{
	Copied copied = copy_rows_take(&reader->rows, row, (size_t) len);

	PQfreemem((char *) row);
	return copied;
}

static ReaderEvent
take_rows(Reader *reader)
{
	char *row = NULL;
	int len;

	if (reader->rows.ended)
		return give_rows(reader);
	while ((len = db_next_copy(&reader->db, &reader->readable, &row)) > 0)
	{
		switch (take_row(reader, row, len))
		{
			case COPIED_ROW:
				break;
			case COPIED_FULL:
			case COPIED_END:
				return give_rows(reader);
			case COPIED_CHANGED:
				return outdated(reader, TROUBLE_GONE,
								"a composite type has other fields");
			case COPIED_BAD:
				return protocol_violated(reader, "no rows of the table");
		}
	}
	return end_rows(reader, len);
}

static ReaderEvent
time_out(Reader *reader)
{
	db_rotate_hosts(&reader->db);
	failure_set(&reader->db.failure, FAIL_NETWORK,
				"no answer from the server that is to be read");
	return broken(reader);
}

ReaderEvent
reader_turn(Reader *reader, int64_t now, short revents, bool listen)
{
	switch (reader->state)
	{
		case READER_CLOSED:
		case READER_BROKEN:
			return READER_NOTHING;
		case READER_COPYING:
			reader->readable |= revents != 0;
			if (!listen)
				return READER_NOTHING;
			return copies_rows(reader) ? take_rows(reader)
									   : take_frames(reader);
		case READER_FAILING:
			reader->state = READER_DRAINING;
			return take_event(reader, db_recover(&reader->db));
		case READER_DOOMED:
			return broken(reader);
		default:
			break;
	}
	if (reader->state < READER_IDLE && now >= reader->give_up_at)
		return time_out(reader);
	return take_event(reader, db_advance(&reader->db, revents));
}

short
reader_events(const Reader *reader, bool listen)
{
	if (reader->db.state == DB_CLOSED || reader->state == READER_BROKEN)
		return 0;
	if (reader->state == READER_COPYING)
		return listen ? POLLIN : 0;
	return db_events(&reader->db);
}

void
reader_copy(Reader *reader, const CopySource *source, const void *tag,
			size_t tag_len)
{
	copy_rows_begin(&reader->rows, source, tag, tag_len);
}

void
reader_run(Reader *reader, StrBuf *sql)
{
	bool sent = !sql->failed && db_send(&reader->db, STAGE_SETUP, sql->data);

	reader->state = sent ? READER_RUNNING : READER_DOOMED;
	if (sql->failed)
		failure_set(&reader->db.failure, FAIL_INTERNAL, "out of memory");
	strbuf_free(sql);
}
