/*
 * incrementals.h
 *		Backfills of mode incremental, beside the stream.
 *
 * Several may be under way, of which one reads at a time; src/client/backfill
 * has what each does.
 */
#ifndef ETF_INCREMENTALS_H
#define ETF_INCREMENTALS_H

#include <poll.h>

#include "client/engine/state.h"

/* There is room for no other one. */
extern bool incrementals_are_full(const Engine *engine);

/* The request is the backfill's from now on. */
extern void incrementals_begin(Engine *engine, BackfillRequest *request);

/* The same with what was done of it in mode exact; both are moved. */
extern void incrementals_go_on(Engine *engine, BackfillRequest *request,
							   BackfillState *state);

extern void incrementals_free(Engine *engine);

/* NULL: none has this id. */
extern Incremental *incrementals_find(Engine *engine, const char *id);

/* What is to be polled, INCREMENTALS_POLLS of it; and a turn of all. */
extern void incrementals_poll(const Engine *engine, struct pollfd *fds);
extern void incrementals_turn(Engine *engine, const struct pollfd *fds);
extern bool incrementals_can_go_on(const Engine *engine);

/* A chunk is handled.  False: there is none of that number. */
extern bool incrementals_done(Engine *engine, Incremental *inc, uint64_t chunk);

/* Rows have moved: their keys are to be kept before more is confirmed. */
extern void incrementals_hold(Engine *engine);

/* The engine is asked to stop.  True: what is done is to be kept first. */
extern bool incrementals_hold_stop(Engine *engine);

#endif
