/*
 * state.h
 *		What backends and the worker know of the BEAM together.
 *
 * In shared memory where the library was preloaded; else each backend has its
 * own, which holds the breaker only.  The worker writes, but for the breaker
 * and the counts, which are the backends'.
 */
#ifndef ETF_STATE_H
#define ETF_STATE_H

#include "datatype/timestamp.h"
#include "storage/latch.h"

#include "beam/beam_log.h"
#include "beam/wire.h"

typedef enum SidecarStatus
{
	SIDECAR_EXTERNAL, /* somebody else runs it, if anybody */
	SIDECAR_STOPPED,  /* nobody shall */
	SIDECAR_STARTING, /* or waiting for the next attempt */
	SIDECAR_READY,
	SIDECAR_FAILED /* too many ends: one attempt a minute */
} SidecarStatus;

#define STATE_EXIT_LEN 128
#define STATE_NAME_LEN 40

/* What the worker knows. */
typedef struct SidecarReport
{
	SidecarStatus status;
	int pid;		   /* of the BEAM, while it is ready; else 0 */
	TimestampTz since; /* when it became so */
	uint32 readies;	   /* how often it was */
	uint32 restarts;
	int64 memory_kb;
	int64 request_count;
	int64 run_queue;
	char otp[STATE_NAME_LEN];
	char boot[STATE_NAME_LEN];
	char last_exit[STATE_EXIT_LEN]; /* how the one before ended, */
	char
		last_output[BEAM_LOG_RECENT]; /* and its words, if it was never ready */
} SidecarReport;

/* While the server starts: there will be shared memory, and a worker. */
extern void state_request(void);

extern bool state_is_shared(void);

extern SidecarReport state_report(void);

/* "ready" and so on. */
extern const char *state_name(SidecarStatus status);

/*
 * Wait while it starts, at most until the deadline.  True: there is something
 * to connect to, as far as is known.
 */
extern bool state_await(WireDeadline deadline, SidecarReport *report);

/* Wait until one is ready that was not among the first so many. */
extern bool state_await_next(WireDeadline deadline, uint32 readies);

/* The breaker: milliseconds until a call may be tried; what became of one. */
extern int64 state_breaker_wait(void);
extern void state_breaker_result(bool success);
extern bool state_breaker_is_open(void);

/* Backends that are connected. */
extern void state_count_connection(int change);
extern uint32 state_connections(void);

/* Ask the worker for a new BEAM; false: there is no worker. */
extern bool state_ask_restart(void);

/* Of the worker: */
extern void state_enter_worker(void);
extern void state_leave_worker(void);
extern void state_write(const SidecarReport *report);

/* Was a restart asked for since this was asked last? */
extern bool state_restart_is_wanted(void);

#endif
