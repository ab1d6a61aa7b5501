/*
 * history.c
 *		What of a backfill a failover has lost.
 */
#include "client/backfill/history.h"

#include "client/link/timeline.h"

void
history_open(History *history, const Settings *settings, const Hosts *hosts,
			 int64_t now)
{
	history->db.host_order = *hosts;
	db_open(&history->db, settings, true);
	history->give_up_at =
		now + (int64_t) settings->connect_timeout * (history->db.hosts + 1);
}

void
history_close(History *history)
{
	db_close(&history->db);
}

static bool
ask(History *history, uint32_t timeline)
{
	StrBuf sql = {0};
	bool sent;

	strbuf_putf(&sql, "TIMELINE_HISTORY %u", timeline);
	sent = !sql.failed && db_send(&history->db, STAGE_SETUP, sql.data);
	strbuf_free(&sql);
	return sent;
}

bool
history_turn(History *history, uint32_t timeline, int64_t now, short revents,
			 const char **text)
{
	*text = NULL;
	if (history->db.state == DB_CLOSED || now >= history->give_up_at)
		return true;
	switch (db_advance(&history->db, revents))
	{
		case DB_CONNECTED:
			return !ask(history, timeline);
		case DB_ANSWERED:
			*text = db_value(&history->db, "content");
			return true;
		case DB_FAILED:
			return true;
		default:
			return false;
	}
}

uint64_t
history_end(const char *text, const BackfillState *state)
{
	uint64_t end = 0;

	if (text == NULL || !timeline_end(text, (uint32_t) state->timeline, &end))
		return 0;
	return end;
}
