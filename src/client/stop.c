/*
 * stop.c
 *		A clean end: the last position confirmed, the stream ended.
 *
 * Called by engine.c, and by watch.c for the control connection.  The server
 * does not answer a status update, so the slot itself is asked, over the
 * control connection, which may be on its way yet; without one the update is
 * sent and taken for good.
 *
 * Where there is no stream, the control connection settles the slot: a position
 * that could not be confirmed any more, or a slot made for a stream that never
 * began.
 */
#include "client/engine.h"

#include <poll.h>
#include <stdlib.h>

#include "client/strbuf.h"
#include "common/lsn.h"

/* Milliseconds between two looks at the slot. */
#define CONFIRM_POLL_MS 20

/* In a large transaction the server may go on for long after CopyDone. */
#define END_MS 1000

static int64_t
time_to_confirm(const Engine *engine)
{
	return (int64_t) engine->settings->stop_timeout / 2;
}

static void
begin_ending(Engine *engine)
{
	flow_drop_held(engine);
	engine_set_phase(engine, ENGINE_ENDING);
	stream_end(&engine->stream);
}

/* Has the slot what was flushed?  Nothing flushed is nothing to wait for. */
static bool
is_confirmed(const Engine *engine)
{
	const Control *control = &engine->control;

	return engine->feedback.flushed == 0 || engine->settings->peek ||
		   (control->heard_at >= engine->stopping_since &&
			control->slot.confirmed >= engine->feedback.flushed);
}

static void
tell_unconfirmed(Engine *engine)
{
	consumer_log(engine->consumer, "warning",
				 "the last position is not confirmed: it may be sent again");
}

/* Acknowledgements that came with the request to stop count as well. */
void
stop_turn_confirming(Engine *engine, short revents)
{
	int64_t limit = time_to_confirm(engine);

	(void) revents;
	if (engine->feedback.flushed != engine->told || engine->stream.unflushed)
		engine_send_status(engine, true);
	if (engine->phase != ENGINE_CONFIRMING)
		return;
	if (is_confirmed(engine) ||
		(engine->control.db.state == DB_CLOSED && !engine->stream.unflushed))
		begin_ending(engine);
	else if (engine_due(engine, engine->stopping_since + limit))
	{
		tell_unconfirmed(engine);
		begin_ending(engine);
	}
	else if (engine->control.db.state == DB_IDLE &&
			 engine_due(engine, engine->control.heard_at + CONFIRM_POLL_MS))
	{
		control_hurry(&engine->control, engine->now);
		engine->wake_at = engine->now;
	}
}

/* Throw away what still comes. */
void
stop_turn_ending(Engine *engine, short revents)
{
	StreamMessage message;
	StreamEvent event;

	engine->stream.readable |= revents != 0;
	if (engine->stream.unflushed)
		stream_flush(&engine->stream);
	do
	{
		event = stream_next(&engine->stream, &message);
		if (event == STREAM_FRAME)
			free(message.data);
	} while (event == STREAM_FRAME || event == STREAM_KEEPALIVE);
	if (event == STREAM_FAILED ||
		engine_due(engine, engine->phase_since + END_MS))
		engine_finish(engine);
}

/* Only forward, and not in another cluster, where it would be anywhere. */
static void
put_confirm(const Engine *engine, StrBuf *sql)
{
	char lsn[LSN_TEXT_SIZE];

	lsn_to_text(engine->feedback.flushed, lsn);
	strbuf_putf(sql,
				"confirmed_flush_lsn < '%s' AND "
				"(SELECT system_identifier::text FROM "
				"pg_catalog.pg_control_system()) = '%s' THEN "
				"pg_catalog.pg_replication_slot_advance(slot_name, '%s') END",
				lsn, engine->stream.system_identifier, lsn);
}

/*
 * To confirm after a clean stop, to drop after a failure; not while somebody
 * reads the slot, who is told to us.
 */
static void
build_errand(const Engine *engine, StrBuf *sql)
{
	strbuf_putf(sql,
				"SET statement_timeout = %lld; "
				"SELECT active_pid, CASE WHEN active_pid IS NULL AND ",
				(long long) time_to_confirm(engine));
	if (engine->failure.class == FAIL_NONE)
		put_confirm(engine, sql);
	else
		strbuf_puts(sql, "true THEN pg_catalog.pg_drop_replication_slot("
						 "slot_name) END");
	strbuf_puts(sql, " FROM pg_catalog.pg_replication_slots "
					 "WHERE plugin = '" PLUGIN_NAME "' AND slot_name = ");
	strbuf_put_literal(sql, engine->settings->slot);
}

static bool
send_errand(Engine *engine, int64_t at)
{
	StrBuf sql = {0};

	build_errand(engine, &sql);
	return control_run(&engine->control, &sql, at);
}

static bool
settle(Engine *engine)
{
	engine_disconnect(engine);
	if (!send_errand(engine, engine->now))
		return false;
	engine_set_phase(engine, ENGINE_SETTLING);
	return true;
}

/* Something was acknowledged since the last stream that could be told. */
bool
stop_confirms(Engine *engine)
{
	return engine->stream.resumes && !engine->settings->peek &&
		   engine->settings->create != CREATE_TEMPORARY &&
		   engine->feedback.flushed > engine->told && settle(engine);
}

/* A slot that nobody will read would keep WAL until the disk is full. */
bool
stop_drops(Engine *engine)
{
	return engine->stream.made && engine->stream.backend_pid != 0 &&
		   engine->phase < ENGINE_CONFIRMING && settle(engine);
}

/* Our last walsender tells of its end before it lets go of the slot. */
void
stop_settled(Engine *engine)
{
	int pid = (int) db_number(&engine->control.db, "active_pid");

	if (engine->phase != ENGINE_SETTLING)
		return;
	if (pid == 0 || pid != engine->stream.backend_pid ||
		!send_errand(engine, engine->now + CONFIRM_POLL_MS))
		engine_finish(engine);
}

/* It is a help: where it could not be, it is said. */
void
stop_unsettled(Engine *engine)
{
	if (engine->phase != ENGINE_SETTLING)
		return;
	if (engine->failure.class == FAIL_NONE)
		tell_unconfirmed(engine);
	else
		consumer_log(engine->consumer, "warning",
					 "slot \"%s\" was made, and could not be dropped: %s",
					 engine->settings->slot,
					 engine->control.db.failure.message);
	engine_finish(engine);
}

void
stop_turn_settling(Engine *engine, short revents)
{
	(void) revents;
	if (engine_due(engine, engine->phase_since + time_to_confirm(engine)))
		stop_unsettled(engine);
}
