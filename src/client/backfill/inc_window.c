/*
 * inc_window.c
 *		Chunks of mode incremental that are not handled yet.
 *
 * They stand in the order in which they were begun, and count as done in that
 * order, whatever the consumer handles first: what is done of a table is all up
 * to a place.
 */
#include "client/backfill/inc_parts.h"

#include <string.h>

static uint32_t
count_windows(const Incremental *inc)
{
	uint32_t count = 0;

	while (count < WINDOWS && inc->windows[count].state != WINDOW_FREE)
		count++;
	return count;
}

Window *
inc_window_add(Incremental *inc, uint32_t table)
{
	uint32_t count = count_windows(inc);
	Window *window = &inc->windows[count];

	if (count == WINDOWS)
		return NULL;
	*window = (Window){
		.state = WINDOW_AGAIN, .number = ++inc->state.chunk, .table = table};
	return window;
}

Window *
inc_window_find(Incremental *inc, uint64_t number)
{
	for (uint32_t i = 0; i < WINDOWS; i++)
	{
		if (inc->windows[i].state != WINDOW_FREE &&
			inc->windows[i].number == number)
			return &inc->windows[i];
	}
	return NULL;
}

Window *
inc_window_reading(Incremental *inc)
{
	for (uint32_t i = 0; i < WINDOWS; i++)
	{
		if (inc->windows[i].state == WINDOW_READING)
			return &inc->windows[i];
	}
	return NULL;
}

bool
inc_window_has(const Incremental *inc, uint32_t table)
{
	for (uint32_t i = 0; i < WINDOWS; i++)
	{
		if (inc->windows[i].state != WINDOW_FREE &&
			inc->windows[i].table == table)
			return true;
	}
	return false;
}

static void
remove_at(Incremental *inc, uint32_t i)
{
	texts_free(&inc->windows[i].after);
	texts_free(&inc->windows[i].last);
	memmove(&inc->windows[i], &inc->windows[i + 1],
			(WINDOWS - 1 - i) * sizeof(Window));
	inc->windows[WINDOWS - 1] = (Window){.state = WINDOW_FREE};
}

/* What came of it is void; what is still to come, too. */
static void
void_window(Incremental *inc, const Window *window, const char *reason)
{
	Listener to = inc_listener(inc);

	if (window->state == WINDOW_READING)
		inc->discards = true;
	if (window->state != WINDOW_AGAIN && reason != NULL)
		announce_retry(&to, window->number, reason);
}

/* Those behind it go on where it ended, which may be another place now. */
void
inc_window_again(Incremental *inc, Window *window, const char *reason,
				 bool asked)
{
	IncTable *here = &inc->tables[window->table];
	uint32_t i = (uint32_t) (window - inc->windows) + 1;

	void_window(inc, window, asked ? NULL : reason);
	window->state = WINDOW_AGAIN;
	here->exhausted = false;
	if (window->table < inc->next)
		inc->next = window->table;
	while (i < WINDOWS && inc->windows[i].state != WINDOW_FREE)
	{
		if (inc->windows[i].table != window->table)
		{
			i++;
			continue;
		}
		void_window(inc, &inc->windows[i], reason);
		remove_at(inc, i);
	}
}

void
inc_window_forget(Incremental *inc, uint32_t table, const char *reason)
{
	uint32_t i = 0;

	while (i < WINDOWS && inc->windows[i].state != WINDOW_FREE)
	{
		if (inc->windows[i].table != table)
		{
			i++;
			continue;
		}
		void_window(inc, &inc->windows[i], reason);
		remove_at(inc, i);
	}
}

void
inc_window_turn(Incremental *inc, const StreamPlace *place)
{
	Listener to = inc_listener(inc);

	if (!place->between)
		return;
	for (uint32_t i = 0; i < WINDOWS; i++)
	{
		Window *window = &inc->windows[i];

		if (window->state != WINDOW_THERE || place->reached < window->horizon)
			continue;
		announce_close(&to, inc_table_of(inc, window), window->number,
					   window->horizon, window->rows, window->bytes);
		window->state = WINDOW_CLOSED;
	}
}

/* Its rows count, and so does its place. */
static void
settle(Incremental *inc, Window *window)
{
	BackfillTable *table = inc_table_of(inc, window);

	table->status = TABLE_STARTED;
	table->rows += window->rows;
	table->bytes += window->bytes;
	inc->tables[window->table].rows += window->rows;
	if (window->horizon > table->horizon)
		table->horizon = window->horizon;
	if (window->moved > 0)
		table_drop_moved(table, window->moved);
	else if (table->order == ORDER_BLOCKS)
		table->next_block = window->block + window->blocks;
	else if (window->last.count > 0)
		texts_copy(&table->last, &window->last);
	inc->dirty = true;
}

void
inc_window_done(Incremental *inc, Window *window)
{
	window->state = WINDOW_DONE;
	while (inc->windows[0].state == WINDOW_DONE)
	{
		settle(inc, &inc->windows[0]);
		remove_at(inc, 0);
	}
}
