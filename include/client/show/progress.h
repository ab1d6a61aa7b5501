/*
 * progress.h
 *		The line on a terminal that says how far and how fast a stream is.
 */
#ifndef ETF_PROGRESS_H
#define ETF_PROGRESS_H

#include "client/engine/engine.h"

/* As of the last line; for rates. */
typedef struct Progress
{
	int64_t at;
	uint64_t events;
	uint64_t bytes;
	uint64_t lag;
} Progress;

/* Once a turn; writes once a second. */
extern void progress_turn(Progress *progress, Engine *engine);

/* Other lines in its place, so many. */
extern void progress_show(const char *text, int count);

/* Leave what is shown to others. */
extern void progress_clear(void);

#endif
