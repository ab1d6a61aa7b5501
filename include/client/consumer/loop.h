/*
 * loop.h
 *		The one poll(2): stream, control connection, input, output, signals.
 */
#ifndef ETF_LOOP_H
#define ETF_LOOP_H

#include "client/consumer/outbox.h"
#include "client/engine/engine.h"

/* Where the consumer's wishes come from, at the start of a turn. */
typedef struct LoopInput
{
	int fd; /* -1: they do not come by one */

	/* Is there something, whether or not by "fd"?  NULL: never. */
	bool (*has_something)(const void *arg);
	void (*take)(void *arg);
	void *arg;
	int64_t take_at; /* take() is due then at the latest; 0: never */
} LoopInput;

/* Returns when the engine is done and what it said is written, or cannot be. */
extern void loop_run(Engine *engine, Outbox *outbox, LoopInput *input);

/* Has a signal asked to stop, now or before? */
extern bool loop_stop_requested(void);

#endif
