/*
 * history.h
 *		What of a backfill a failover has lost.
 *
 * A table of which something was read behind the place where the server's
 * timeline begins may have rows that were never there: nothing of it counts.
 */
#ifndef ETF_BACKFILL_HISTORY_H
#define ETF_BACKFILL_HISTORY_H

#include "client/backfill/backfill_state.h"
#include "client/link/db.h"

/* A replication connection, for a moment. */
typedef struct History
{
	Db db;
	int64_t give_up_at;
} History;

/* Ask one of these hosts; whatever becomes of it, history_turn says. */
extern void history_open(History *history, const Settings *settings,
						 const Hosts *hosts, int64_t now);
extern void history_close(History *history);

/*
 * Is it over?  Then "text" is how this timeline came about, until
 * history_close(); NULL: the server did not say.
 */
extern bool history_turn(History *history, uint32_t timeline, int64_t now,
						 short revents, const char **text);

/*
 * Where the timeline of the state was left; 0 if that is not known, and all
 * that was read is in doubt.
 */
extern uint64_t history_end(const char *text, const BackfillState *state);

static inline bool
history_has_lost(const BackfillTable *table, uint64_t end)
{
	return table->horizon > end;
}

static inline short
history_events(const History *history)
{
	return history->db.state != DB_CLOSED ? db_events(&history->db) : 0;
}

#endif
