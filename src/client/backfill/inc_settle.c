/*
 * inc_settle.c
 *		What a publication has got is read when older transactions have ended.
 *
 * The stream decodes each change with the publications of its moment.  So of a
 * transaction that was running while a table was added, or got another row
 * filter, it leaves out what was done before that; and a snapshot does not see
 * it either as long as the transaction runs.  The creation of a slot, by which
 * mode exact gets its snapshot, waits for them by itself.
 */
#include "client/backfill/inc_parts.h"

#include <stdlib.h>

/* Between two looks, and until it is told that they go on. */
#define LOOK_MS 200
#define TELL_MS 1000

/*
 * All that runs at the first look has a lower number than the one it is given.
 * A standby gives none: there it is what is older than the last that has ended.
 */
static void
ask(Incremental *inc)
{
	StrBuf sql = {0};

	strbuf_puts(&sql, "SELECT pg_catalog.pg_snapshot_xmin(s) AS oldest, ");
	if (inc->settling.before == 0)
		strbuf_puts(&sql, "CASE WHEN pg_catalog.pg_is_in_recovery() "
						  "THEN pg_catalog.pg_snapshot_xmax(s) "
						  "ELSE pg_catalog.pg_current_xact_id() END AS next ");
	else
		strbuf_puts(&sql, "NULL AS next ");
	strbuf_puts(&sql, "FROM pg_catalog.pg_current_snapshot() AS s");
	inc->settling.asking = true;
	reader_run(&inc->desk, &sql);
}

static uint64_t
number(const Incremental *inc, const char *column)
{
	const char *value = db_value(&inc->desk.db, column);

	return value != NULL ? strtoull(value, NULL, 10) : 0;
}

void
inc_settle_begin(Incremental *inc)
{
	inc->settling.waits =
		!inc->handed_over &&
		pairs_get(&inc->settings->options, "publication_names") != NULL;
}

static void
tell(Incremental *inc, uint64_t oldest)
{
	Listener to = inc_listener(inc);
	Failure failure;

	failure_set(&failure, FAIL_NONE,
				"transaction %llu is older than the look at the publications, "
				"which may not have had its tables when it wrote to them",
				(unsigned long long) oldest);
	announce_delayed(&to, &failure, &inc->delayed);
}

void
inc_settle_answered(Incremental *inc, const StreamPlace *place)
{
	Settling *settling = &inc->settling;
	uint64_t oldest = number(inc, "oldest");

	settling->asking = false;
	settling->ask_at = place->now + LOOK_MS;
	if (settling->before == 0)
	{
		settling->before = number(inc, "next");
		settling->since = place->now;
	}
	settling->waits = oldest < settling->before;
	if (settling->waits && place->now >= settling->since + TELL_MS)
		tell(inc, oldest);
}

/* Between what the desk has to keep. */
void
inc_settle_turn(Incremental *inc, const StreamPlace *place)
{
	if (inc->settling.waits && inc->stage == INC_RUNNING &&
		reader_is_idle(&inc->desk) && inc_due(inc, place, inc->settling.ask_at))
		ask(inc);
}
