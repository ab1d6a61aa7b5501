/*
 * session.c
 *		What no session takes from its role, its database or the server.
 *
 * Used by stream_setup.c, control.c and admin.c, first of all.
 */
#include "client/link/session.h"

/*
 * The walsender decodes within a transaction, and waits for us there, so that
 * a limit for transactions would end each attempt again.  To compile a query
 * takes far longer than any of ours does.  By way of pg_settings a name that the
 * server does not know does no harm.
 */
void
session_pin(StrBuf *sql)
{
	strbuf_puts(
		sql, "pg_catalog.set_config('search_path', 'pg_catalog', false), "
			 "(SELECT pg_catalog.count(pg_catalog.set_config(name, '0', "
			 "false)) FROM pg_catalog.pg_settings WHERE name IN ("
			 "'statement_timeout', 'lock_timeout', 'transaction_timeout', "
			 "'idle_session_timeout', 'idle_in_transaction_session_timeout', "
			 "'jit')) "
			 "AS timeouts");
}
