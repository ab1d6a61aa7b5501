/*
 * session.c
 *		What no session takes from its role, its database or the server.
 *
 * Used by whatever opens one, first of all.
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

void
session_pin_forms(StrBuf *sql)
{
	static const char *const pinned[][2] = {
		{"datestyle", "ISO, YMD"}, {"intervalstyle", "postgres"},
		{"timezone", "UTC"},	   {"extra_float_digits", "3"},
		{"bytea_output", "hex"},   {"xmlbinary", "base64"},
		{"lc_monetary", "C"},
	};

	for (size_t i = 0; i < sizeof(pinned) / sizeof(pinned[0]); i++)
		strbuf_putf(sql, "%spg_catalog.set_config('%s', '%s', false)",
					i == 0 ? "" : ", ", pinned[i][0], pinned[i][1]);
}

/*
 * A database in SQL_ASCII converts nothing, and as UTF-8 would refuse what it
 * has; the same is asked of one whose texts have no UTF-8 form.  Our plugin
 * does that by itself.
 */
void
session_pin_encoding(bool raw, StrBuf *sql)
{
	strbuf_putf(sql,
				"pg_catalog.getdatabaseencoding() = 'SQL_ASCII' AS ascii, "
				"pg_catalog.set_config('client_encoding', CASE WHEN %s OR "
				"pg_catalog.getdatabaseencoding() = 'SQL_ASCII' "
				"THEN 'SQL_ASCII' ELSE 'UTF8' END, false)",
				raw ? "true" : "false");
}
