/*
 * store.h
 *		The table of the extension where it is kept what is done.
 */
#ifndef ETF_BACKFILL_STORE_H
#define ETF_BACKFILL_STORE_H

#include "client/backfill/request.h"
#include "client/base/failure.h"
#include "client/base/strbuf.h"

/*
 * Ask for the state of a backfill, in hexadecimal: "state" of db.result.  Leaves
 * row_security on, as store_put_save() does.
 */
extern void store_put_load(const char *schema, const char *slot, const char *id,
						   StrBuf *sql);

/* A statement on the table has failed: if that is locked, say which it is. */
extern void store_explain(Failure *failure);

/* What stands there, as bytes in malloc()ed memory; NULL: out of memory. */
extern char *store_from_hex(const char *hex, size_t *len);

/* Ask for "id" and "request", in hexadecimal, of those that were asked for. */
extern void store_put_list(const char *schema, const char *slot, StrBuf *sql);

/* No bytes: nothing of it is done yet. */
extern void store_put_save(const char *schema, const char *slot,
						   const BackfillRequest *request, const char *bytes,
						   size_t len, StrBuf *sql);

/* Nothing is kept of it any more. */
extern void store_put_remove(const char *schema, const char *slot,
							 const char *id, StrBuf *sql);

#endif
