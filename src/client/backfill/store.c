/*
 * store.c
 *		The table of the extension where it is kept what is done.
 */
#include "client/backfill/store.h"

#include <stdlib.h>
#include <string.h>

/* With row_security off, that others have rows there would be an error. */
static void
see_own_rows(StrBuf *sql)
{
	strbuf_puts(sql, "SET row_security = on; ");
}

static void
put_key(const char *slot, const char *id, StrBuf *sql)
{
	strbuf_put_literal(sql, slot);
	strbuf_puts(sql, ", ");
	strbuf_put_literal(sql, id);
}

void
store_put_load(const char *schema, const char *slot, const char *id,
			   StrBuf *sql)
{
	see_own_rows(sql);
	strbuf_putf(sql,
				"SELECT pg_catalog.encode(state, 'hex') AS state FROM "
				"%s.etf_backfill WHERE owner = CURRENT_USER AND (slot, id) = (",
				schema);
	put_key(slot, id, sql);
	strbuf_puts(sql, ")");
}

void
store_put_list(const char *schema, const char *slot, StrBuf *sql)
{
	see_own_rows(sql);
	strbuf_putf(sql,
				"SELECT id, pg_catalog.encode(request, 'hex') AS request FROM "
				"%s.etf_backfill WHERE owner = CURRENT_USER AND request IS NOT "
				"NULL AND slot = ",
				schema);
	strbuf_put_literal(sql, slot);
	strbuf_puts(sql, " ORDER BY id");
}

static void
put_bytes(const char *bytes, size_t len, StrBuf *sql)
{
	strbuf_puts(sql, ", pg_catalog.decode('");
	for (size_t i = 0; i < len; i++)
		strbuf_putf(sql, "%02x", (unsigned char) bytes[i]);
	strbuf_puts(sql, "', 'hex')");
}

void
store_put_save(const char *schema, const char *slot,
			   const BackfillRequest *request, const char *bytes, size_t len,
			   StrBuf *sql)
{
	see_own_rows(sql);
	strbuf_putf(sql,
				"INSERT INTO %s.etf_backfill (slot, id, state, request) "
				"VALUES (",
				schema);
	put_key(slot, request->id, sql);
	put_bytes(bytes, len, sql);
	if (request->kept != NULL)
		put_bytes(request->kept, request->kept_len, sql);
	else
		strbuf_puts(sql, ", NULL");
	strbuf_puts(sql, ") ON CONFLICT (owner, slot, id) DO UPDATE SET state = "
					 "EXCLUDED.state, request = EXCLUDED.request");
}

void
store_put_remove(const char *schema, const char *slot, const char *id,
				 StrBuf *sql)
{
	see_own_rows(sql);
	strbuf_putf(sql,
				"DELETE FROM %s.etf_backfill WHERE owner = CURRENT_USER AND "
				"(slot, id) = (",
				schema);
	put_key(slot, id, sql);
	strbuf_puts(sql, ")");
}

static int
hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

char *
store_from_hex(const char *hex, size_t *len)
{
	char *bytes;

	*len = strlen(hex) / 2;
	bytes = malloc(*len + 1);
	for (size_t i = 0; bytes != NULL && i < *len; i++)
		bytes[i] =
			(char) (hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	return bytes;
}

void
store_explain(Failure *failure)
{
	char message[sizeof(failure->message)];

	if (strcmp(failure->sqlstate, "55P03") != 0)
		return;
	snprintf(message, sizeof(message), "%s", failure->message);
	snprintf(failure->message, sizeof(failure->message),
			 "table \"etf_backfill\" is locked, pg_locks says by whom: %.400s",
			 message);
}
