/*
 * ask.h
 *		A connection that is waited for: connect, ask, get the answer.
 *
 * For what is done before anything streams.  False: see db->failure.
 */
#ifndef ETF_ASK_H
#define ETF_ASK_H

#include "client/base/strbuf.h"
#include "client/link/db.h"

extern bool ask_open(Db *db, const Settings *settings, bool replication);

/* Pin what would give our statements another meaning, or no end. */
extern bool ask_set_up(Db *db, const Settings *settings);

/* Run a statement; its answer stands in db->result. */
extern bool ask(Db *db, const Settings *settings, FailureStage stage,
				const StrBuf *sql);

#endif
