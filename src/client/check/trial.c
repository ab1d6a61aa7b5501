/*
 * trial.c
 *		What only shows when it is done: a walsender, and a slot.
 *
 * No setting tells whether a role may, on any kind of server, nor whether a
 * library can be loaded there.
 */
#include "client/check/trial.h"

#include <string.h>

#include "client/base/strbuf.h"
#include "client/link/ask.h"

void
trial_walsender(const Settings *settings, Failure *failure)
{
	Db db = {0};
	StrBuf sql = {0};

	strbuf_puts(&sql, "IDENTIFY_SYSTEM");
	*failure = (Failure){.class = FAIL_NONE};
	if (!ask_open(&db, settings, true) ||
		!ask(&db, settings, STAGE_SETUP, &sql))
		*failure = db.failure;
	db_close(&db);
	strbuf_free(&sql);
}

/* By then the library is loaded, and has accepted the slot. */
static bool
has_waited(const Failure *failure)
{
	return strcmp(failure->sqlstate, "57014") == 0;
}

void
trial_slot(const Settings *settings, OutputPlugin plugin, bool *waits,
		   Failure *failure)
{
	Db db = {0};
	StrBuf sql = {0};

	strbuf_putf(&sql,
				"SELECT pg_create_logical_replication_slot("
				"'pg_etf_check_' || pg_backend_pid(), '%s', true)",
				plugin_choices[plugin]);
	*failure = (Failure){.class = FAIL_NONE};
	if (!ask_open(&db, settings, false) || !ask_set_up(&db, settings) ||
		!ask(&db, settings, STAGE_CREATE, &sql))
		*failure = db.failure;
	*waits = has_waited(failure);
	db_close(&db);
	strbuf_free(&sql);
}
