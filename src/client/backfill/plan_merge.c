/*
 * plan_merge.c
 *		Which tables are to be read, and what an earlier round left of them.
 *
 * The other half of plan.c.  Pure.
 */
#include <string.h>

#include "client/backfill/plan.h"

bool
plan_is_later(const BackfillState *state, const char *patterns)
{
	return state->patterns != NULL &&
		   strcmp(state->patterns, patterns != NULL ? patterns : "") == 0;
}

/*
 * May what was read of it before stay?  The stream may have rows of what is
 * left by now; only a key tells that they are the same.
 */
static bool
goes_on(const BackfillTable *before, const BackfillTable *now)
{
	return now->key.count > 0 && before->order == ORDER_RANGES &&
		   before->filenode == now->filenode &&
		   before->told_as == now->told_as && table_is_whole(before) &&
		   table_is_whole(now);
}

/* As it is now; what was read of it stands in "before". */
static void
renew(BackfillTable *before, BackfillTable *now)
{
	BackfillTable renewed = *now;

	renewed.order = ORDER_RANGES;
	renewed.status = before->status;
	renewed.ranges = before->ranges;
	renewed.horizon = before->horizon;
	renewed.rows = before->rows;
	renewed.bytes = before->bytes;
	renewed.starts = before->starts;
	*now = (BackfillTable){0};
	table_free(before);
	*before = renewed;
}

static void
begin(BackfillTable *table, uint32_t block_size)
{
	table->order = ORDER_RANGES;
	table->status = TABLE_PLANNED;
	ranges_plan(&table->ranges, table->pages, block_size);
}

/* Returns whether it begins anew although something of it was read. */
static bool
merge_known(BackfillTable *table, BackfillTable *now, uint32_t block_size)
{
	bool again = table->status == TABLE_STARTED && !goes_on(table, now);

	if (table->status == TABLE_DONE)
		return false;
	if (again)
		table_restart(table);
	renew(table, now);
	if (table->status != TABLE_STARTED)
		begin(table, block_size);
	return again;
}

static bool
merge_new(BackfillState *state, BackfillTable *now, bool later,
		  uint32_t block_size)
{
	BackfillTable *table = backfill_state_add(state);

	if (table == NULL)
		return false;
	*table = *now;
	*now = (BackfillTable){0};
	begin(table, block_size);
	if (later)
		table->status = TABLE_DONE;
	return true;
}

/* Will the table that this one is told as be emptied? */
static bool
begins_with(const BackfillState *state, const BackfillTable *now)
{
	for (uint32_t i = 0; i < state->count; i++)
	{
		const BackfillTable *table = &state->tables[i];

		if (table->told_as == now->told_as && table->key.count == 0 &&
			table->status == TABLE_PLANNED)
			return true;
	}
	return false;
}

/*
 * Partitions without a key that are told as one table are read together: what
 * was read of one is emptied with it as another one begins anew.
 */
static void
merge_partitions(BackfillState *state, BackfillState *plan, uint32_t block_size)
{
	for (uint32_t i = 0; i < plan->count; i++)
	{
		BackfillTable *now = &plan->tables[i];
		BackfillTable *table = backfill_state_find(state, now->oid);

		/* What is not done has been taken from the plan. */
		if (table == NULL || table->status != TABLE_DONE ||
			now->told_as == now->oid || now->key.count > 0 ||
			!begins_with(state, now))
			continue;
		table_restart(table);
		renew(table, now);
		begin(table, block_size);
	}
}

bool
plan_merge(BackfillState *state, BackfillState *plan, bool later,
		   uint32_t block_size,
		   void (*tell)(void *arg, PlanNews news, const BackfillTable *table),
		   void *arg)
{
	for (uint32_t i = 0; i < state->count; i++)
	{
		BackfillTable *table = &state->tables[i];

		if (table_is_over(table) ||
			backfill_state_find(plan, table->oid) != NULL)
			continue;
		table->status = TABLE_DROPPED;
		tell(arg, PLAN_DROPPED, table);
	}
	for (uint32_t i = 0; i < plan->count; i++)
	{
		BackfillTable *now = &plan->tables[i];
		BackfillTable *table = backfill_state_find(state, now->oid);

		if (table == NULL && !merge_new(state, now, later, block_size))
			return false;
		if (table != NULL && merge_known(table, now, block_size))
			tell(arg, PLAN_AGAIN, table);
	}
	merge_partitions(state, plan, block_size);
	return true;
}
