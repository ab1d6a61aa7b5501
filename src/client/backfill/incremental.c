/*
 * incremental.c
 *		Mode incremental: from its request to its end.
 *
 * Called by the engine, once a turn and with the consumer's wishes.
 */
#include "client/backfill/incremental.h"

#include <stdlib.h>

#include "client/backfill/inc_parts.h"
#include "common/option/table.h"

#define RETRY_MIN_MS 200
#define RETRY_MAX_MS 10000
#define PROGRESS_MS 1000
#define FOREVER_MS ((int64_t) 3600 * 1000)

const char *
incremental_refusal(const Settings *settings, const BackfillRequest *request)
{
	const PairList *given = &settings->options;
	EtfOptions options;

	options_init(&options);
	for (size_t i = 0; i < given->count; i++)
	{
		int option = etf_option_find(given->items[i].name);

		if (option >= 0)
			options_set(&options, etf_option(option), given->items[i].value);
	}
	if (options.old_rows == OLD_ROWS_NONE)
		return "mode incremental needs old rows (option old_rows)";
	if (options.actions !=
		(ACTION_INSERT | ACTION_UPDATE | ACTION_DELETE | ACTION_TRUNCATE))
		return "mode incremental needs all four actions (option actions)";
	if (options.updates != UPDATES_FULL)
		return "mode incremental needs all columns of an update (option "
			   "updates)";
	if (!options.visible && !request->unsafe_backfill)
		return "mode incremental needs option visible: without it rows may be "
			   "read that are older than what was delivered of them";
	return NULL;
}

static bool
copy_settings(Incremental *inc, const Settings *settings,
			  const PairList *connection)
{
	bool done = settings_copy(&inc->reading, settings);

	for (size_t i = 0; i < connection->count; i++)
		done &= pairs_put(&inc->reading.connection, connection->items[i].name,
						  connection->items[i].value);
	return done;
}

void
incremental_begin(Incremental *inc, Consumer *consumer,
				  const Settings *settings, BackfillRequest *request)
{
	Failure failure;

	*inc = (Incremental){.stage = INC_OPENING,
						 .consumer = consumer,
						 .settings = settings,
						 .refusal = incremental_refusal(settings, request),
						 .request = *request};
	*request = (BackfillRequest){0};
	pace_init(&inc->pace, inc->request.chunk_bytes);
	backoff_init(&inc->desk_backoff, RETRY_MIN_MS, RETRY_MAX_MS, 0);
	backoff_init(&inc->reader_backoff, RETRY_MIN_MS, RETRY_MAX_MS, 0);
	if (copy_settings(inc, settings, &inc->request.connection))
		return;
	failure_set(&failure, FAIL_INTERNAL, "out of memory");
	inc_fail(inc, &failure);
}

void
incremental_go_on(Incremental *inc, BackfillState *state)
{
	inc->state = *state;
	*state = (BackfillState){0};
	inc->loaded = inc->handed_over = true;
}

void
incremental_free(Incremental *inc)
{
	inc_read_close(inc);
	inc_desk_close(inc);
	for (uint32_t i = 0; i < WINDOWS; i++)
	{
		texts_free(&inc->windows[i].after);
		texts_free(&inc->windows[i].last);
	}
	for (uint32_t i = 0; i < inc->table_room; i++)
		texts_free(&inc->tables[i].after);
	free(inc->tables);
	backfill_state_free(&inc->state);
	request_free(&inc->request);
	settings_free(&inc->reading);
	*inc = (Incremental){.stage = INC_NONE};
}

/*
 * Nobody notes what moves until it is asked for again.  A plan that came to
 * nothing may have begun anew what was kept, which has to know that, too.
 */
static bool
begins_anew(Incremental *inc)
{
	bool any = inc->loaded;

	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		BackfillTable *table = &inc->state.tables[i];

		if (table->status != TABLE_STARTED)
			continue;
		table_restart(table);
		any = true;
	}
	return any;
}

static void
end_failed(Incremental *inc)
{
	Listener to = inc_listener(inc);

	announce_failed(&to, &inc->failure);
	incremental_free(inc);
}

void
inc_fail(Incremental *inc, const Failure *failure)
{
	inc->failure = *failure;
	for (uint32_t i = 0; i < inc->state.count; i++)
		inc_window_forget(inc, i, NULL);
	inc_read_close(inc);
	if (begins_anew(inc))
	{
		inc->dirty = true;
		inc->stage = INC_ENDING;
	}
	else
		end_failed(inc);
}

static struct pollfd
poll_for(const Db *db, short events)
{
	return (struct pollfd){.fd = events != 0 ? db_fd(db) : -1,
						   .events = events};
}

void
incremental_poll(const Incremental *inc, const StreamPlace *place,
				 struct pollfd *fds)
{
	bool runs = incremental_runs(inc);
	bool listens = runs && inc_read_listens(inc, place);

	fds[0] = poll_for(&inc->desk.db, reader_events(&inc->desk, true));
	fds[1] =
		poll_for(&inc->history.db, runs ? history_events(&inc->history) : 0);
	fds[2] = poll_for(&inc->reader.db, reader_events(&inc->reader, listens));
}

/* The server was promoted, or another one was, and the stream is there now. */
static void
follow_timeline(Incremental *inc, const StreamPlace *place)
{
	if (inc->stage < INC_RUNNING || !place->streaming ||
		place->stream->timeline == inc->state.timeline)
		return;
	for (uint32_t i = 0; i < inc->state.count; i++)
		inc_window_forget(inc, i, "failover");
	inc_read_close(inc);
	inc_desk_close(inc);
	inc->loaded = true;
	inc->stage = INC_OPENING;
}

static void
progress_turn(Incremental *inc, const StreamPlace *place)
{
	Listener to = inc_listener(inc);

	if (inc->stage < INC_RUNNING || inc->stage == INC_ENDING ||
		!inc_due(inc, place, inc->told_at + PROGRESS_MS))
		return;
	inc->told_at = place->now;
	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		const BackfillTable *table = &inc->state.tables[i];
		const IncTable *here = &inc->tables[i];

		if (here->began_at != 0 && !table_is_over(table))
			announce_progress(&to, table,
							  &(TableRead){.rows = table->rows,
										   .here = here->rows,
										   .ms = place->now - here->began_at,
										   .done = table->next_block,
										   .blocks = table->pages,
										   .known = table->known_rows},
							  table->bytes);
	}
}

/* What was kept is removed where it is of no use any more. */
static void
begin_end(Incremental *inc)
{
	inc->stage = INC_ENDING;
	inc->dirty |= inc->request.once;
}

/* Once what is done is kept, it is over. */
static void
end_turn(Incremental *inc)
{
	Listener to = inc_listener(inc);

	if (inc->stage == INC_RUNNING && inc_pick_is_over(inc))
	{
		inc_read_close(inc);
		begin_end(inc);
	}
	if (inc->stage != INC_ENDING || incremental_is_behind(inc))
		return;
	if (inc->failure.class != FAIL_NONE)
	{
		end_failed(inc);
		return;
	}
	announce_end(&to, inc->stopping ? "stopped" : "finished", &inc->state);
	incremental_free(inc);
}

void
incremental_turn(Incremental *inc, const StreamPlace *place,
				 const struct pollfd *fds, bool reads)
{
	inc->wake_at = place->now + FOREVER_MS;
	follow_timeline(inc, place);
	inc_desk_turn(inc, place, fds[0].revents, fds[1].revents);
	if (inc->stage == INC_NONE)
		return;
	inc_read_turn(inc, place, fds[2].revents, reads);
	if (inc->stage == INC_NONE)
		return;
	inc_window_turn(inc, place);
	progress_turn(inc, place);
	end_turn(inc);
}

bool
incremental_can_go_on(const Incremental *inc, const StreamPlace *place)
{
	return inc->stage != INC_NONE && inc->waits && inc_read_listens(inc, place);
}

uint64_t
incremental_awaits(const Incremental *inc)
{
	uint64_t horizon = 0;

	for (uint32_t i = 0; i < WINDOWS; i++)
	{
		if (inc->windows[i].state == WINDOW_THERE &&
			inc->windows[i].horizon > horizon)
			horizon = inc->windows[i].horizon;
	}
	return horizon;
}

bool
incremental_is_behind(const Incremental *inc)
{
	return inc->saving || (inc->dirty && !inc_keep_waits(inc));
}

/* Of one that was begun again meanwhile the consumer does not know yet. */
bool
incremental_done(Incremental *inc, uint64_t chunk, const StreamPlace *place)
{
	Window *window = inc_window_find(inc, chunk);

	if (window != NULL && window->state == WINDOW_CLOSED)
	{
		inc_chunk_handled(inc, window, place);
		inc_window_done(inc, window);
	}
	return chunk <= inc->state.chunk;
}

void
incremental_pause(Incremental *inc, bool pause)
{
	inc->paused = pause;
}

/* Nothing of it follows, but what was done is kept. */
void
incremental_stop(Incremental *inc)
{
	for (uint32_t i = 0; i < inc->state.count; i++)
		inc_window_forget(inc, i, NULL);
	inc_read_close(inc);
	inc->stopping = true;
	if (inc->stage >= INC_RUNNING)
		begin_end(inc);
	else
	{
		inc->dirty = inc->request.once && inc->request.kept != NULL;
		inc->stage = INC_ENDING;
	}
}
