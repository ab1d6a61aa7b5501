/*
 * inc_pick.c
 *		What mode incremental reads next, and which tables are done.
 */
#include "client/backfill/inc_parts.h"

#define RETRY_MIN_MS 200
#define RETRY_MAX_MS 30000

/* A statement must fit into the socket's buffer at once. */
#define MOVED_AT_A_TIME 500

void
inc_pick_begin(Incremental *inc)
{
	inc->next = 0;
	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		const BackfillTable *table = &inc->state.tables[i];
		IncTable *here = &inc->tables[i];

		texts_copy(&here->after, &table->last);
		here->block = table->next_block;
		here->exhausted = false;
		backoff_init(&here->backoff, RETRY_MIN_MS, RETRY_MAX_MS, 0);
	}
}

void
inc_restart(Incremental *inc, uint32_t table, const char *reason)
{
	Listener to = inc_listener(inc);
	IncTable *here = &inc->tables[table];
	bool known = inc->state.tables[table].status != TABLE_PLANNED ||
				 inc_window_has(inc, table);

	inc_window_forget(inc, table, reason);
	table_restart(&inc->state.tables[table]);
	texts_free(&here->after);
	here->block = 0;
	here->exhausted = false;
	if (table < inc->next)
		inc->next = table;
	inc->dirty = true;
	if (known && inc->started)
		announce_table(&to, "table_again", &inc->state.tables[table], reason);
}

/* Nothing of it is left that was not begun. */
static bool
is_exhausted(Incremental *inc, uint32_t i)
{
	const BackfillTable *table = &inc->state.tables[i];
	IncTable *here = &inc->tables[i];

	if (table->order == ORDER_BLOCKS && here->block >= table->pages)
		here->exhausted = true;
	if (table->order == ORDER_KEYS && table->keyed && table->bound.count == 0)
		here->exhausted = true;
	return here->exhausted;
}

static void
check_done(Incremental *inc, uint32_t i)
{
	Listener to = inc_listener(inc);
	BackfillTable *table = &inc->state.tables[i];

	if (table_is_over(table) || !is_exhausted(inc, i) ||
		table->moved_count > 0 || inc_window_has(inc, i))
		return;
	table->status = TABLE_DONE;
	inc->dirty = true;
	announce_table(&to, "table_done", table, "done");
}

bool
inc_pick_is_over(Incremental *inc)
{
	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		check_done(inc, i);
		if (!table_is_over(&inc->state.tables[i]))
			return false;
	}
	return true;
}

/* The rows that moved where nobody would read them any more. */
static Window *
pick_moved(Incremental *inc)
{
	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		const BackfillTable *table = &inc->state.tables[i];
		Window *window;

		if (table->moved_count == 0 || table_is_over(table) ||
			!is_exhausted(inc, i) || inc_window_has(inc, i))
			continue;
		window = inc_window_add(inc, i);
		if (window != NULL)
			window->moved = table->moved_count < MOVED_AT_A_TIME
								? table->moved_count
								: MOVED_AT_A_TIME;
		return window;
	}
	return NULL;
}

static bool
is_wanted(Incremental *inc, const StreamPlace *place, uint32_t i)
{
	return !table_is_over(&inc->state.tables[i]) && !is_exhausted(inc, i) &&
		   inc_due(inc, place, inc->tables[i].retry_at);
}

/* One that fails does not hold up the others. */
static Window *
pick_range(Incremental *inc, const StreamPlace *place)
{
	uint32_t i = inc->next;
	Window *window;

	while (i < inc->state.count && !is_wanted(inc, place, i))
	{
		inc->next += i == inc->next && (table_is_over(&inc->state.tables[i]) ||
										is_exhausted(inc, i));
		i++;
	}
	window = i < inc->state.count ? inc_window_add(inc, i) : NULL;
	if (window == NULL)
		return NULL;
	texts_copy(&window->after, &inc->tables[i].after);
	window->block = inc->tables[i].block;
	return window;
}

Window *
inc_pick(Incremental *inc, const StreamPlace *place)
{
	Window *window;

	for (uint32_t i = 0; i < WINDOWS; i++)
	{
		window = &inc->windows[i];
		if (window->state == WINDOW_AGAIN)
			return inc_due(inc, place, inc->tables[window->table].retry_at)
					   ? window
					   : NULL;
	}
	/* Beside a busy stream one at a time: its changes come in between. */
	if (place_is_busy(place) && inc->windows[0].state != WINDOW_FREE)
		return NULL;
	window = pick_moved(inc);
	return window != NULL ? window : pick_range(inc, place);
}
