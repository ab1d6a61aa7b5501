/*
 * loop.h
 *		The one poll(2): stream, control connection, input, output, signals.
 */
#ifndef ETF_LOOP_H
#define ETF_LOOP_H

#include "client/engine.h"
#include "client/outbox.h"

/* Where commands come from; fd -1: there is no input. */
typedef struct LoopInput
{
	int fd;
	void (*read)(void *arg);
	void *arg;
} LoopInput;

/* Returns when the engine is done and what it said is written, or cannot be. */
extern void loop_run(Engine *engine, Outbox *outbox, LoopInput *input);

extern int64_t loop_clock(void);

#endif
