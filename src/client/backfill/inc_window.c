/*
 * inc_window.c
 *		Chunks of mode incremental that are not handled yet.
 *
 * They stand in the order in which they were begun, and count as done in that
 * order, whatever the consumer handles first: what is done of a table is all up
 * to a place.
 */
#include "client/backfill/inc_parts.h"

#include <stdlib.h>
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

/* Its rows count, and so does its place. */
static void
settle(BackfillTable *table, const Window *window)
{
	table->status = TABLE_STARTED;
	table->rows += window->rows;
	table->bytes += window->bytes;
	if (window->horizon > table->horizon)
		table->horizon = window->horizon;
	if (window->moved > 0)
		table_drop_moved(table, window->moved);
	else if (table->order == ORDER_BLOCKS)
		table->next_block = window->block + window->blocks;
	else if (window->last.count > 0)
		texts_copy(&table->last, &window->last);
}

bool
inc_window_closed(const Incremental *inc)
{
	bool closed = false;

	for (uint32_t i = 0; i < WINDOWS; i++)
		closed |= inc->windows[i].state == WINDOW_CLOSED;
	return closed;
}

/* The state as it is once this one is handled, and no other one. */
static void
tell_state(Incremental *inc, const Window *window)
{
	BackfillState then = {0};
	size_t len = 0;
	char *bytes = backfill_state_encode(&inc->state, &len);

	if (bytes == NULL || backfill_state_decode(bytes, len, &then) != NULL)
	{
		free(bytes);
		return;
	}
	free(bytes);
	settle(&then.tables[window->table], window);
	bytes = backfill_state_encode(&then, &len);
	if (bytes != NULL)
		consumer_backfill_bytes(inc->consumer, "close_state", inc->request.id,
								bytes, len);
	free(bytes);
	backfill_state_free(&then);
}

/*
 * With their states they are handled one after the other: what one says is true
 * only if none before it is asked for again.  Nor may it be older than what is
 * kept meanwhile.
 */
static bool
can_close(const Incremental *inc, const Window *window,
		  const StreamPlace *place)
{
	return window->state == WINDOW_THERE && place->reached >= window->horizon &&
		   !(inc->request.close_state &&
			 (inc_window_closed(inc) || unkept_first(&inc->keys) != 0 ||
			  inc->saving));
}

void
inc_window_turn(Incremental *inc, const StreamPlace *place)
{
	Listener to = inc_listener(inc);

	for (uint32_t i = 0; place->between && i < WINDOWS; i++)
	{
		Window *window = &inc->windows[i];

		if (!can_close(inc, window, place))
			continue;
		if (inc->request.close_state)
			tell_state(inc, window);
		announce_close(&to, inc_table_of(inc, window), window->number,
					   window->horizon, window->rows, window->bytes);
		window->state = WINDOW_CLOSED;
	}
}

void
inc_window_done(Incremental *inc, Window *window)
{
	window->state = WINDOW_DONE;
	while (inc->windows[0].state == WINDOW_DONE)
	{
		settle(inc_table_of(inc, &inc->windows[0]), &inc->windows[0]);
		inc->tables[inc->windows[0].table].rows += inc->windows[0].rows;
		inc->dirty = true;
		remove_at(inc, 0);
	}
}
