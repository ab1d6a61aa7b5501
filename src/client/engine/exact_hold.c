/*
 * exact_hold.c
 *		How long a round holds its snapshot.
 *
 * Called by exact_round.c.  Meanwhile the server keeps dead rows, and WAL for
 * a slot that nobody reads.
 */
#include "client/engine/exact_hold.h"

#include <string.h>

#include "client/engine/exact_handover.h"

/* The shorter one; 0: none. */
static int64_t
shorter(int64_t one, int64_t other)
{
	return one == 0 || (other != 0 && other < one) ? other : one;
}

/*
 * Since PostgreSQL 18 a slot may be invalidated that was not read for so long.
 * The other half of it is for ranges under way, and for the way back.
 */
void
hold_begin(Engine *engine)
{
	Exact *exact = &engine->exact;
	int64_t most =
		shorter(exact->desk.slot_idle_ms, exact->keeper.slot_idle_ms) / 2;
	int64_t wanted = (int64_t) exact->request.max_hold;

	exact->warned_kept = false;
	if (most != 0 && most != exact->idle_ms && shorter(wanted, most) == most)
		consumer_log(engine->consumer, "warning",
					 "backfill \"%s\": a snapshot is held for %.1f s at most, "
					 "half of the server's idle_replication_slot_timeout",
					 exact->request.id, (double) most / 1000);
	exact->idle_ms = most;
}

bool
hold_endangers_slot(const Engine *engine)
{
	const char *status = engine->control.slot.wal_status;

	return strcmp(status, "unreserved") == 0 || strcmp(status, "lost") == 0;
}

/* A table that never fits, and can be read in no other way, keeps it. */
static const BackfillTable *
kept_for(const Exact *exact)
{
	for (uint32_t i = 0; i < exact->state.count; i++)
	{
		const BackfillTable *table = &exact->state.tables[i];

		if ((table->starts >= STARTS_MAX || exact->futile >= STARTS_MAX) &&
			!table_is_over(table) && !exact->tables[i].blocked)
			return table;
	}
	return NULL;
}

static void
warn_kept(Engine *engine, const BackfillTable *table)
{
	Exact *exact = &engine->exact;

	if (exact->warned_kept)
		return;
	exact->warned_kept = true;
	consumer_log(
		engine->consumer, "warning",
		"backfill \"%s\": its snapshot is held on, since %.1f s ago, "
		"until table %s.%s is read, for which %u rounds were too short",
		exact->request.id, (double) (engine->now - exact->held_at) / 1000,
		table->schema, table->name,
		table->starts > exact->futile ? table->starts : exact->futile);
}

bool
hold_is_over(Engine *engine)
{
	const Exact *exact = &engine->exact;
	int64_t max_hold = (int64_t) exact->request.max_hold;
	const BackfillTable *table;

	/* Another round would end the connection, and the slot with it. */
	if (engine->settings->create == CREATE_TEMPORARY)
		return false;
	if (hold_endangers_slot(engine) ||
		(exact->idle_ms > 0 &&
		 engine_due(engine, exact->held_at + exact->idle_ms)))
		return true;
	if (max_hold == 0 || !engine_due(engine, exact->held_at + max_hold))
		return false;
	table = kept_for(exact);
	if (table != NULL)
		warn_kept(engine, table);
	return table == NULL;
}
