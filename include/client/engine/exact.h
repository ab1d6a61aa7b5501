/*
 * exact.h
 *		Mode exact: tables read at one position of the stream.
 *
 * exact_desk.c plans and keeps what is done, exact_round.c has the rounds,
 * exact_jobs.c reads, exact_tell.c reports.
 */
#ifndef ETF_EXACT_H
#define ETF_EXACT_H

#include <poll.h>

#include "client/engine/state.h"

/* Begin; the request is the backfill's from now on. */
extern void exact_begin(Engine *engine, BackfillRequest *request);
extern void exact_free(Engine *engine);

/* Is it this one? */
extern bool exact_is(const Engine *engine, const char *id);
extern void exact_chunk_done(Engine *engine, uint64_t number);
extern void exact_pause(Engine *engine, bool pause);
extern void exact_stop(Engine *engine);

/* What is to be polled, EXACT_POLLS of it; and a turn of all. */
extern void exact_poll(const Engine *engine, struct pollfd *fds);
extern void exact_turn(Engine *engine, const struct pollfd *fds);
extern bool exact_can_go_on(const Engine *engine);

/* The engine is asked to stop.  True: what is done is to be kept first. */
extern bool exact_holds_stop(Engine *engine);

/* Must it be planned before anything is streamed?  Then that is begun. */
extern bool exact_comes_first(Engine *engine);

#endif
