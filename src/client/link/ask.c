/*
 * ask.c
 *		A connection that is waited for: connect, ask, get the answer.
 */
#include "client/link/ask.h"

#include <poll.h>

#include "client/base/clock.h"
#include "client/link/session.h"

/* Advance until something has happened, within the time to connect. */
static DbEvent
wait_for(Db *db, const Settings *settings)
{
	int64_t until =
		clock_ms() + (int64_t) settings->connect_timeout * (db->hosts + 1);

	for (;;)
	{
		struct pollfd fd = {.fd = db_fd(db), .events = db_events(db)};
		int64_t left = until - clock_ms();
		DbEvent event;

		if (left <= 0 || poll(&fd, 1, (int) left) == 0)
		{
			failure_set(&db->failure, FAIL_NETWORK,
						"no answer from the server");
			return DB_FAILED;
		}
		event = db_advance(db, fd.revents);
		if (event != DB_NOTHING)
			return event;
	}
}

bool
ask_open(Db *db, const Settings *settings, bool replication)
{
	return db_open(db, settings, replication) &&
		   wait_for(db, settings) == DB_CONNECTED;
}

bool
ask(Db *db, const Settings *settings, FailureStage stage, const StrBuf *sql)
{
	if (sql->failed)
	{
		failure_set(&db->failure, FAIL_INTERNAL, "out of memory");
		return false;
	}
	return db_send(db, stage, sql->data) &&
		   wait_for(db, settings) == DB_ANSWERED;
}

/*
 * The server would go on waiting for the moment at which a slot can begin
 * long after we have left: it must give up first.
 */
bool
ask_set_up(Db *db, const Settings *settings)
{
	StrBuf sql = {0};
	bool done;

	strbuf_puts(&sql, "SELECT ");
	session_pin(&sql);
	strbuf_putf(&sql,
				", pg_catalog.set_config('statement_timeout', '%llums', false)",
				(unsigned long long) settings->connect_timeout);
	done = ask(db, settings, STAGE_SETUP, &sql);
	strbuf_free(&sql);
	return done;
}
