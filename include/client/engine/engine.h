/*
 * engine.h
 *		The client proper: one stream, its failures, and its consumer.
 *
 * loop.c polls and calls engine_turn(); the consumer calls engine_credit(),
 * engine_flushed() and engine_stop().  Never blocks; has no clock but "now",
 * which the loop sets, in milliseconds of a clock that never goes back.
 *
 * engine.c has the phases, attempt.c what a failure leads to, connect.c the way
 * to a stream, claim.c and standby.c the wait for a slot, flow.c the way of a
 * frame, status.c the updates to the server, watch.c the timers, stop.c and
 * settle.c the clean end, report.c the reports to the consumer.
 */
#ifndef ETF_ENGINE_H
#define ETF_ENGINE_H

#include <poll.h>

#include "client/engine/state.h"

extern void engine_init(Engine *engine, Consumer *consumer);
extern void engine_free(Engine *engine);
extern void engine_start(Engine *engine, const Settings *settings);

enum
{
	ENGINE_POLL_STREAM,
	ENGINE_POLL_CONTROL,
	ENGINE_POLL_KEPT,
	ENGINE_POLL_EXACT,
	ENGINE_POLL_INCREMENTALS = ENGINE_POLL_EXACT + EXACT_POLLS,
	ENGINE_POLL_COUNT = ENGINE_POLL_INCREMENTALS + INCREMENTALS_POLLS
};

/* What to poll for, what poll() said, and whether there is no need to. */
extern void engine_poll(const Engine *engine, struct pollfd *fds);
extern void engine_turn(Engine *engine, int64_t now, const struct pollfd *fds);
extern bool engine_can_go_on(const Engine *engine);

/* The consumer's wishes; credit in totals, see credit.h. */
extern void engine_credit(Engine *engine, uint64_t events, uint64_t bytes);
extern void engine_flushed(Engine *engine, uint64_t lsn);
extern void engine_stats(Engine *engine);
extern void engine_stop(Engine *engine);

/* Start at "lsn" (0: where the slot is), as the answer to a slot at "seen". */
extern void engine_go(Engine *engine, uint64_t lsn, uint64_t seen);

/*
 * Read tables as the request says, and own what it holds.  "problem" is NULL,
 * or what is wrong with it.
 */
extern void engine_backfill(Engine *engine, BackfillRequest *request,
							const char *problem);
extern void engine_backfill_done(Engine *engine, const char *id,
								 uint64_t chunk);
extern void engine_backfill_retry(Engine *engine, const char *id,
								  uint64_t chunk, const char *reason);
extern void engine_backfill_keys(Engine *engine, const char *id, uint64_t rel,
								 const uint8_t *keys, size_t len);
extern void engine_backfill_pause(Engine *engine, const char *id, bool pause);
extern void engine_backfill_stop(Engine *engine, const char *id);

/* A failure of the consumer itself. */
extern void engine_fail(Engine *engine, const Failure *failure);

#endif
