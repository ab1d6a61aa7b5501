/*
 * inc_parts.h
 *		What the files of mode incremental have in common.
 *
 * For these files alone; see inc_state.h.  Each may use those before it:
 * inc_window, inc_pick, inc_moved, inc_plan, inc_settle and inc_desk, inc_chunk, inc_read,
 * incremental and inc_again.
 */
#ifndef ETF_INC_PARTS_H
#define ETF_INC_PARTS_H

#include "client/backfill/inc_state.h"

static inline Listener
inc_listener(const Incremental *inc)
{
	return (Listener){inc->consumer, inc->request.id};
}

/* Is it time?  If not, the next turn is then at the latest. */
static inline bool
inc_due(Incremental *inc, const StreamPlace *place, int64_t at)
{
	if (place->now >= at)
		return true;
	if (at < inc->wake_at)
		inc->wake_at = at;
	return false;
}

/* Do changes wait behind what is read? */
static inline bool
place_is_busy(const StreamPlace *place)
{
	return pace_is_busy(place->now, place->changed_at);
}

static inline BackfillTable *
inc_table_of(Incremental *inc, const Window *window)
{
	return &inc->state.tables[window->table];
}

/* It cannot be: "failure" says why. */
extern void inc_fail(Incremental *inc, const Failure *failure);

/* inc_window.c */

/* One more, for this table; NULL: there are as many as may be. */
extern Window *inc_window_add(Incremental *inc, uint32_t table);
extern Window *inc_window_find(Incremental *inc, uint64_t number);

/* The one that is being read; NULL: none is. */
extern Window *inc_window_reading(Incremental *inc);
extern bool inc_window_has(const Incremental *inc, uint32_t table);

/*
 * It is to be read again, with all that came after it of this table; the
 * consumer is told of what it knows, except of the one it asked for itself.
 */
extern void inc_window_again(Incremental *inc, Window *window,
							 const char *reason, bool asked);

/* All of a table are void, or of all tables. */
extern void inc_window_forget(Incremental *inc, uint32_t table,
							  const char *reason);

/* Is the consumer handling one? */
extern bool inc_window_closed(const Incremental *inc);

/* Close what can be closed here. */
extern void inc_window_turn(Incremental *inc, const StreamPlace *place);

/* It is handled. */
extern void inc_window_done(Incremental *inc, Window *window);

/* inc_settle.c: from the start on, if there is anything to wait for. */
extern void inc_settle_begin(Incremental *inc);
extern void inc_settle_turn(Incremental *inc, const StreamPlace *place);
extern void inc_settle_answered(Incremental *inc, const StreamPlace *place);

/* inc_desk.c */
extern void inc_desk_turn(Incremental *inc, const StreamPlace *place,
						  short revents, short history_revents);
extern void inc_desk_close(Incremental *inc);

/* Ask what has become of the tables, once no window is in the way. */
extern void inc_desk_replan(Incremental *inc);

/* inc_pick.c */

/* The next chunk to be read, in a window; NULL: there is none now. */
extern Window *inc_pick(Incremental *inc, const StreamPlace *place);

/* What is done of a table, or left. */
extern void inc_pick_begin(Incremental *inc);
extern bool inc_pick_is_over(Incremental *inc);

/* From its first row. */
extern void inc_restart(Incremental *inc, uint32_t table, const char *reason);

/* inc_moved.c: its tables are known, and so is which rows of them moved. */
extern void inc_moved_begin(Incremental *inc);

/* inc_chunk.c */

/* Tell that it is open, and ask for it. */
extern void inc_chunk_begin(Incremental *inc, const StreamPlace *place,
							Window *window);
extern void inc_chunk_ask_replay(Incremental *inc);

/* The consumer has handled it. */
extern void inc_chunk_handled(Incremental *inc, const Window *window,
							  const StreamPlace *place);

/* What the reader was asked for has come. */
extern void inc_chunk_done(Incremental *inc, const StreamPlace *place);

/* inc_read.c */
extern void inc_read_turn(Incremental *inc, const StreamPlace *place,
						  short revents, bool reads);
extern bool inc_read_listens(const Incremental *inc, const StreamPlace *place);
extern void inc_read_close(Incremental *inc);

/*
 * inc_keep.c: once it is said to have started, it goes on whatever happens, so
 * the request is kept first (false: it is not to be kept); then what is done.
 */
extern bool inc_keep_request(Incremental *inc);
extern bool inc_keep_waits(const Incremental *inc);
extern bool inc_keep_reaches(const Incremental *inc, const StreamPlace *place);
extern void inc_keep_turn(Incremental *inc, const StreamPlace *place);

#endif
