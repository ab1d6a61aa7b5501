/*
 * incremental.h
 *		Mode incremental: tables read chunk by chunk, while the stream goes on.
 *
 * A chunk has a window: "open" is told before its snapshot is taken, its rows
 * follow, and "close" is told where the stream has delivered all that the
 * snapshot sees.  The consumer brings the rows up to that place by what the
 * stream said in between.  See "Reading tables" in docs/port.md.
 *
 * incremental.c has the stages, inc_desk.c a connection that plans and keeps
 * what is done, inc_plan.c the plan, inc_pick.c what to read next, inc_read.c
 * the reader, inc_window.c chunks on their way, inc_pace.c
 * how large they are.  It sees nothing of the engine, which says where the stream is.
 */
#ifndef ETF_INCREMENTAL_H
#define ETF_INCREMENTAL_H

#include <poll.h>

#include "client/backfill/inc_state.h"

/* Begin; the request is the backfill's from now on. */
extern void incremental_begin(Incremental *inc, Consumer *consumer,
							  const Settings *settings,
							  BackfillRequest *request);

/*
 * Right after that: what was done in mode exact stays, and is moved; tables of
 * which something is left begin anew.
 */
extern void incremental_go_on(Incremental *inc, BackfillState *state);
extern void incremental_free(Incremental *inc);

/* Why there is none beside a stream of pgoutput. */
#define INCREMENTAL_NEEDS_PLUGIN                                              \
	"mode incremental needs the plugin " PLUGIN_NAME ": pgoutput sends what " \
	"other sessions may not see yet, so that an older row could follow a "    \
	"newer one; use mode exact"

/* What keeps it from being right with these options; NULL: nothing. */
extern const char *incremental_refusal(const Settings *settings,
									   const BackfillRequest *request);

static inline bool
incremental_runs(const Incremental *inc)
{
	return inc->stage != INC_NONE;
}

extern void incremental_poll(const Incremental *inc, const StreamPlace *place,
							 struct pollfd *fds);

/* A turn; with "reads" it may read, else it only ends what it has begun. */
extern void incremental_turn(Incremental *inc, const StreamPlace *place,
							 const struct pollfd *fds, bool reads);

/* Is there room by now for what it could not pass on? */
extern bool incremental_can_go_on(const Incremental *inc,
								  const StreamPlace *place);

/* Up to where has the stream to come, for a chunk to close?  0: anywhere. */
extern uint64_t incremental_awaits(const Incremental *inc);

/*
 * The first command whose keys are not kept; 0: all are.  Meanwhile no position
 * that is acknowledged may be confirmed.
 */
static inline uint64_t
incremental_unkept(const Incremental *inc)
{
	return unkept_min(unkept_first(&inc->keys), inc->request.early.first);
}

/* Is anything done that is not kept yet, and could be? */
extern bool incremental_is_behind(const Incremental *inc);

/* The consumer's wishes.  False: there is no such chunk, or no sense in it. */
extern bool incremental_done(Incremental *inc, uint64_t chunk,
							 const StreamPlace *place);
extern bool incremental_retry(Incremental *inc, uint64_t chunk,
							  const char *reason);
extern bool incremental_keys(Incremental *inc, uint64_t number, uint64_t rel,
							 const uint8_t *keys, size_t len);
extern void incremental_pause(Incremental *inc, bool pause);
extern void incremental_stop(Incremental *inc);

#endif
