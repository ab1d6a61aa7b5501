/*
 * child.h
 *		One BEAM, from its start to its end.
 */
#ifndef ETF_CHILD_H
#define ETF_CHILD_H

#include "beam/beam_log.h"
#include "beam/control.h"
#include "beam/spawn.h"
#include "beam/state.h"

typedef struct Child
{
	Spawned spawned; /* pid 0: there is none */
	Control control;
	BeamLog log;
	bool ready;
	bool stopping; /* it was asked to end */
	bool warned;   /* of its memory */
	int64 started_ms;
	int64 watched_ms; /* when this was called last */
	int64 ping_ms;	  /* when one is due */
	int64 pong_ms;	  /* when the latest came */
	int64 kill_ms;	  /* when patience ends; 0: not yet */
	char reason[STATE_EXIT_LEN];
} Child;

static inline bool
child_runs(const Child *child)
{
	return child->spawned.pid > 0;
}

/* False: errno has the reason. */
extern bool child_start(Child *child, int64 now_ms);

/*
 * Look after it; what it tells is in the report.  Once it has ended, its whole
 * group is gone, "reason" says how, and child_runs() is false.
 */
extern void child_watch(Child *child, SidecarReport *report, int64 now_ms);

/* Ask it to end; it is killed when it takes too long. */
extern void child_stop(Child *child, int64 now_ms);

/* At once. */
extern void child_kill(Child *child);

/* Until when nothing is to be done, unless one of its descriptors has news. */
extern int64 child_next_ms(const Child *child);

#endif
