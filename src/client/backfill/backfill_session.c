/*
 * backfill_session.c
 *		How a connection that reads rows begins: its settings, and who is there.
 *
 * A part of backfill_reader.c.
 */
#include <string.h>

#include "client/backfill/backfill_reader.h"
#include "client/link/session.h"

/* DDL must not queue behind a reader that waits, nor a reader behind it. */
#define LOCK_TIMEOUT "2s"

#define EXTENSION_HINT                                                      \
	"In this database, as its owner: CREATE EXTENSION " PLUGIN_NAME ", or " \
	"ALTER EXTENSION " PLUGIN_NAME " UPDATE."

void
reader_lacks_extension(Failure *failure)
{
	failure_set(failure, FAIL_CONFIG,
				"the extension " PLUGIN_NAME
				" is not in this database, or is older than version 1.1");
	failure_hint(failure, "%s", EXTENSION_HINT);
}

/* Where the functions are, and whether they are those of this version. */
void
reader_put_session(const Reader *reader, StrBuf *sql)
{
	strbuf_puts(sql, "SELECT ");
	session_pin(sql);
	if (reader->use != READER_USE_EXTENSION)
	{
		strbuf_puts(sql, ", ");
		session_pin_forms(sql);
		strbuf_puts(sql, ", ");
		session_pin_encoding(reader->use == READER_USE_RAW, sql);
	}
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

bool
reader_take_session(Reader *reader)
{
	const char *schema = db_value(&reader->db, "schema");

	if (!is_expected(reader))
	{
		failure_set(&reader->db.failure, FAIL_NETWORK,
					"the connection for reading leads to another server");
		return false;
	}
	if (schema == NULL && reader->use == READER_USE_EXTENSION)
	{
		reader_lacks_extension(&reader->db.failure);
		return false;
	}
	reader->schema = schema != NULL ? strdup(schema) : NULL;
	reader->ascii = db_is_true(&reader->db, "ascii");
	reader->block_size = (uint32_t) db_number(&reader->db, "block_size");
	reader->in_recovery = db_is_true(&reader->db, "in_recovery");
	reader->slot_idle_ms = (int64_t) db_number(&reader->db, "slot_idle");
	if ((reader->schema == NULL) == (schema == NULL) && reader->block_size > 0)
		return true;
	failure_set(&reader->db.failure, FAIL_PROTOCOL,
				"what was read cannot be passed on: the session");
	return false;
}
