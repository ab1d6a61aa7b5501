/*
 * settle.c
 *		The slot left as it should be, where nothing streams any more.
 *
 * Called by attempt.c and engine.c; stop.c waits for it.  By the control
 * connection a position is confirmed that could not be told any more, or a slot
 * dropped that was made for a stream which never began.
 */
#include "client/engine/settle.h"

#include "client/base/strbuf.h"
#include "common/term/lsn.h"

/* Only forward, and not in another cluster, where it would be anywhere. */
static void
put_confirm(const Engine *engine, StrBuf *sql)
{
	char lsn[LSN_TEXT_SIZE];

	lsn_to_text(engine_confirmable(engine), lsn);
	strbuf_putf(sql,
				"confirmed_flush_lsn < '%s' AND "
				"(SELECT system_identifier::text FROM "
				"pg_catalog.pg_control_system()) = '%s' THEN "
				"pg_catalog.pg_replication_slot_advance(slot_name, '%s') END",
				lsn, engine->stream.system_identifier, lsn);
}

/*
 * To confirm after a clean stop, to drop after a failure; not while somebody
 * reads the slot, whose PID is returned.
 */
static void
build_errand(const Engine *engine, StrBuf *sql)
{
	strbuf_putf(sql,
				"SET statement_timeout = %lld; "
				"SELECT active_pid, CASE WHEN active_pid IS NULL AND ",
				(long long) settle_time(engine));
	if (engine->failure.class == FAIL_NONE)
		put_confirm(engine, sql);
	else
		strbuf_puts(sql, "true THEN pg_catalog.pg_drop_replication_slot("
						 "slot_name) END");
	strbuf_putf(sql,
				" FROM pg_catalog.pg_replication_slots "
				"WHERE plugin = '%s' AND slot_name = ",
				plugin_choices[engine->stream.plugin]);
	strbuf_put_literal(sql, engine->settings->slot);
}

bool
settle_send(Engine *engine, int64_t at)
{
	StrBuf sql = {0};

	build_errand(engine, &sql);
	return control_run(&engine->control, &sql, at, settle_time(engine));
}

static bool
settle(Engine *engine)
{
	engine_disconnect(engine);
	if (!settle_send(engine, engine->now))
		return false;
	engine_set_phase(engine, ENGINE_SETTLING);
	return true;
}

/* Something was acknowledged after the last stream could confirm it. */
bool
settle_confirms(Engine *engine)
{
	return engine->stream.resumes && !engine->settings->peek &&
		   engine->settings->create != CREATE_TEMPORARY &&
		   engine_confirmable(engine) > engine->told_lsn && settle(engine);
}

/* A slot that nobody will read would keep WAL until the disk is full. */
bool
settle_drops(Engine *engine)
{
	return engine->stream.made && engine->stream.backend_pid != 0 &&
		   engine->phase < ENGINE_CONFIRMING && settle(engine);
}
