/*
 * session.h
 *		What no session takes from its role, its database or the server.
 *
 * Settings that would end a session that waits, as ours do by design, or that
 * would give the names in our queries another meaning.
 */
#ifndef ETF_SESSION_H
#define ETF_SESSION_H

#include "client/base/strbuf.h"

/* An expression that identifies a running server among all others. */
#define SESSION_SERVER                \
	"(pg_catalog.date_part('epoch', " \
	"pg_catalog.pg_postmaster_start_time()) * 1000000)::bigint"

/* Append columns to a SELECT: evaluating them pins the settings. */
extern void session_pin(StrBuf *sql);

/* The same, for texts of values. */
extern void session_pin_forms(StrBuf *sql);

/* ... and for what they are encoded in; "ascii": the database has no encoding. */
extern void session_pin_encoding(bool raw, StrBuf *sql);

#endif
