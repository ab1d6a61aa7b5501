/*
 * backfill_reader.c
 *		A connection that reads rows: statements in, frames out.
 *
 * Over db.c; backfill_request.c has the statement that reads a chunk.
 */
#include "client/backfill/backfill_reader.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/printable.h"
#include "client/link/session.h"

/* DDL must not queue behind a reader that waits, nor a reader behind it. */
#define LOCK_TIMEOUT "2s"

/* What stands in front of the first row, and of each one. */
#define COPY_SIGNATURE "PGCOPY\n\377\r\n"
#define COPY_HEADER_SIZE 19
#define COPY_ROW_SIZE 6
#define COPY_TRAILER_SIZE 2

#define EXTENSION_HINT                                                      \
	"In this database, as its owner: CREATE EXTENSION " PLUGIN_NAME ", or " \
	"ALTER EXTENSION " PLUGIN_NAME " UPDATE."

void
reader_open(Reader *reader, const Settings *settings, const Hosts *hosts,
			uint64_t server, const char *identifier, int64_t now)
{
	reader_close(reader);
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
	free(reader->schema);
	*reader = (Reader){.db = reader->db};
}

static ReaderEvent
broken(Reader *reader)
{
	reader->state = READER_BROKEN;
	reader->trouble = TROUBLE_LOST;
	return READER_FAILED;
}

static ReaderEvent
failed(Reader *reader)
{
	if (reader->state < READER_IDLE ||
		PQstatus(reader->db.conn) != CONNECTION_OK)
		return broken(reader);
	reader->trouble = trouble_of(reader->db.failure.sqlstate);
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

/* Where the functions are, and whether they are those of this version. */
static void
build_session(StrBuf *sql)
{
	strbuf_puts(sql, "SELECT ");
	session_pin(sql);
	strbuf_puts(
		sql,
		", pg_catalog.set_config('lock_timeout', '" LOCK_TIMEOUT "', false), "
		"pg_catalog.set_config('row_security', 'off', false), " SESSION_SERVER
		" AS server, (SELECT system_identifier FROM "
		"pg_catalog.pg_control_system()) AS identifier, "
		"pg_catalog.pg_is_in_recovery() AS in_recovery, "
		"pg_catalog.current_setting('block_size') AS block_size, "
		"(1000 * pg_catalog.date_part('epoch', pg_catalog.current_setting("
		"'idle_replication_slot_timeout', true)::pg_catalog.interval))::"
		"pg_catalog.int8 AS slot_idle, "
		"(SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_proc AS p "
		"JOIN pg_catalog.pg_depend AS d ON d.objid = p.oid AND d.classid = "
		"'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e' "
		"JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid "
		"AND e.extname = '" PLUGIN_NAME "' "
		"JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace "
		"WHERE p.proname = 'etf_read' LIMIT 1) AS schema");
}

static ReaderEvent
connected(Reader *reader)
{
	StrBuf sql = {0};
	bool sent;

	build_session(&sql);
	reader->state = READER_PINNING;
	sent = !sql.failed && db_send(&reader->db, STAGE_SETUP, sql.data);
	strbuf_free(&sql);
	return sent ? READER_NOTHING : broken(reader);
}

/* Behind a name there may be several servers. */
static bool
is_expected(const Reader *reader)
{
	const char *identifier = db_value(&reader->db, "identifier");

	return (reader->server == 0 ||
			db_number(&reader->db, "server") == reader->server) &&
		   (reader->identifier[0] == '\0' ||
			(identifier != NULL &&
			 strcmp(identifier, reader->identifier) == 0));
}

static ReaderEvent
pinned(Reader *reader)
{
	const char *schema = db_value(&reader->db, "schema");

	if (!is_expected(reader))
	{
		failure_set(&reader->db.failure, FAIL_NETWORK,
					"the connection for reading leads to another server");
		return broken(reader);
	}
	if (schema == NULL)
	{
		failure_set(&reader->db.failure, FAIL_CONFIG,
					"the extension " PLUGIN_NAME
					" is not in this database, or is older than version 1.1");
		failure_hint(&reader->db.failure, "%s", EXTENSION_HINT);
		return broken(reader);
	}
	reader->schema = strdup(schema);
	reader->block_size = (uint32_t) db_number(&reader->db, "block_size");
	reader->in_recovery = db_is_true(&reader->db, "in_recovery");
	reader->slot_idle_ms = (int64_t) db_number(&reader->db, "slot_idle");
	if (reader->schema == NULL || reader->block_size == 0)
		return protocol_violated(reader, "the session");
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
take_event(Reader *reader, DbEvent event)
{
	switch (event)
	{
		case DB_CONNECTED:
			return connected(reader);
		case DB_ANSWERED:
			return answered(reader);
		case DB_COPIES:
			reader->state = READER_COPYING;
			reader->copy_begun = false;
			reader->readable = true;
			return READER_COPY;
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
take_row(Reader *reader, char *row, size_t len)
{
	ReadFrame *frame = &reader->frame;

	*frame = (ReadFrame){
		.block = row, .offset = frame_offset(reader, row, len), .end = len};
	if (frame->offset < len && read_frame(frame))
		return READER_FRAME;
	PQfreemem(row);
	frame->block = NULL;
	return protocol_violated(reader, frame->head.error != NULL
										 ? frame->head.error
										 : "no frame of rows");
}

static ReaderEvent
take_rows(Reader *reader)
{
	char *row = NULL;
	int len = db_next_copy(&reader->db, &reader->readable, &row);

	if (len > 0 && is_trailer(row, (size_t) len))
	{
		PQfreemem(row);
		len = db_next_copy(&reader->db, &reader->readable, &row);
	}
	if (len > 0)
		return take_row(reader, row, (size_t) len);
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
			return listen ? take_rows(reader) : READER_NOTHING;
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
reader_run(Reader *reader, StrBuf *sql)
{
	bool sent = !sql->failed && db_send(&reader->db, STAGE_SETUP, sql->data);

	reader->state = sent ? READER_RUNNING : READER_DOOMED;
	if (sql->failed)
		failure_set(&reader->db.failure, FAIL_INTERNAL, "out of memory");
	strbuf_free(sql);
}
