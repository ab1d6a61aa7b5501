/*
 * exact_jobs.h
 *		The connections that read a round's ranges.
 */
#ifndef ETF_EXACT_JOBS_H
#define ETF_EXACT_JOBS_H

#include "client/engine/state.h"

/* A round begins. */
extern void jobs_begin(Engine *engine);

/* Begin, deliver, end ranges. */
extern void jobs_turn(Engine *engine, const short *revents);

/* Is nothing being read, and nothing to be begun in this round? */
extern bool jobs_are_done(const Engine *engine);

/* Give up what is being read: told, where something of it was delivered. */
extern void jobs_end(Engine *engine, const char *reason);

/* The same for those that wait for credit. */
extern void jobs_end_stalled(Engine *engine);

/* Does a frame wait that could go now? */
extern bool jobs_can_go_on(const Engine *engine);

#endif
