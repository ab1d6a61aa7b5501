/*
 * state.c
 *		What backends and the worker know of the BEAM together.
 *
 * A spinlock guards all but the counts: nothing that is done under it is more
 * than a copy of a kilobyte or two.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "storage/spin.h"

#include "beam/breaker.h"
#include "beam/settings.h"
#include "beam/state.h"
#include "compat/backend.h"

typedef struct SidecarState
{
	slock_t mutex;
	SidecarReport report;
	Breaker breaker;
	Latch *worker; /* NULL: none runs */
	ConditionVariable changed;
	pg_atomic_uint32 restart_wanted;
	pg_atomic_uint32 connections;
} SidecarState;

static SidecarState *state;
static bool shared;
static shmem_startup_hook_type previous_startup;
static MemoryRequest previous_request;

static const char *const status_names[] = {
	[SIDECAR_EXTERNAL] = "external", [SIDECAR_STOPPED] = "stopped",
	[SIDECAR_STARTING] = "starting", [SIDECAR_READY] = "ready",
	[SIDECAR_FAILED] = "failed",
};

static void
init_state(SidecarState *fresh)
{
	memset(fresh, 0, sizeof(SidecarState));
	SpinLockInit(&fresh->mutex);
	ConditionVariableInit(&fresh->changed);
	pg_atomic_init_u32(&fresh->restart_wanted, 0);
	pg_atomic_init_u32(&fresh->connections, 0);
	fresh->report.status = SIDECAR_STARTING;
}

static void
startup(void)
{
	bool found;

	if (previous_startup != NULL)
		previous_startup();
	state = ShmemInitStruct("pg_etf_beam", sizeof(SidecarState), &found);
	if (!found)
		init_state(state);
	shared = true;
}

static void
request(void)
{
	if (previous_request != NULL)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(SidecarState)));
}

void
state_request(void)
{
	previous_request = request_shared_memory(request);
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
}

/* Without preloading, a backend stands alone. */
static SidecarState *
get_state(void)
{
	static SidecarState own;

	if (state == NULL)
	{
		init_state(&own);
		own.report.status = SIDECAR_EXTERNAL;
		state = &own;
	}
	return state;
}

bool
state_is_shared(void)
{
	return shared;
}

const char *
state_name(SidecarStatus status)
{
	return status_names[status];
}

SidecarReport
state_report(void)
{
	SidecarState *it = get_state();
	SidecarReport report;

	SpinLockAcquire(&it->mutex);
	report = it->report;
	SpinLockRelease(&it->mutex);
	if (!elixir.enabled)
		report.status = SIDECAR_STOPPED;
	else if (*elixir.command == '\0')
		report.status = SIDECAR_EXTERNAL;
	return report;
}

/* False: the deadline has passed. */
static bool
sleep_until_changed(WireDeadline deadline)
{
	long left = wire_left(deadline);

	if (left == 0)
		return false;
	(void) ConditionVariableTimedSleep(&get_state()->changed, left,
									   wait_event_of("ElixirStart"));
	return true;
}

bool
state_await(WireDeadline deadline, SidecarReport *report)
{
	ConditionVariablePrepareToSleep(&get_state()->changed);
	while ((*report = state_report()).status == SIDECAR_STARTING &&
		   sleep_until_changed(deadline))
		;
	ConditionVariableCancelSleep();
	return report->status == SIDECAR_READY ||
		   report->status == SIDECAR_EXTERNAL;
}

bool
state_await_next(WireDeadline deadline, uint32 readies)
{
	SidecarReport report;

	ConditionVariablePrepareToSleep(&get_state()->changed);
	while (((report = state_report()).status != SIDECAR_READY ||
			report.readies == readies) &&
		   sleep_until_changed(deadline))
		;
	ConditionVariableCancelSleep();
	return report.status == SIDECAR_READY && report.readies != readies;
}

static int64
pause_ms(void)
{
	return (int64) elixir.breaker_seconds * 1000;
}

/* Nothing is locked as long as all goes well. */
int64
state_breaker_wait(void)
{
	SidecarState *it = get_state();
	int64 wait;

	if (!breaker_is_open(&it->breaker, elixir.breaker_failures))
		return 0;
	SpinLockAcquire(&it->mutex);
	wait = breaker_wait(&it->breaker, elixir.breaker_failures, pause_ms(),
						wire_now() / 1000);
	SpinLockRelease(&it->mutex);
	return wait;
}

void
state_breaker_result(bool success)
{
	SidecarState *it = get_state();

	if (success && it->breaker.failures == 0)
		return;
	SpinLockAcquire(&it->mutex);
	if (success)
		breaker_succeed(&it->breaker);
	else
		breaker_fail(&it->breaker, pause_ms(), wire_now() / 1000);
	SpinLockRelease(&it->mutex);
}

bool
state_breaker_is_open(void)
{
	return breaker_is_open(&get_state()->breaker, elixir.breaker_failures);
}

void
state_count_connection(int change)
{
	pg_atomic_fetch_add_u32(&get_state()->connections, change);
}

uint32
state_connections(void)
{
	return pg_atomic_read_u32(&get_state()->connections);
}

bool
state_ask_restart(void)
{
	SidecarState *it = get_state();
	Latch *worker;

	SpinLockAcquire(&it->mutex);
	worker = it->worker;
	SpinLockRelease(&it->mutex);
	if (worker == NULL)
		return false;
	pg_atomic_write_u32(&it->restart_wanted, 1);
	SetLatch(worker);
	return true;
}

bool
state_restart_is_wanted(void)
{
	return pg_atomic_exchange_u32(&get_state()->restart_wanted, 0) != 0;
}

static void
set_worker(Latch *worker)
{
	SidecarState *it = get_state();

	SpinLockAcquire(&it->mutex);
	it->worker = worker;
	SpinLockRelease(&it->mutex);
}

void
state_enter_worker(void)
{
	set_worker(MyLatch);
}

void
state_leave_worker(void)
{
	set_worker(NULL);
}

void
state_write(const SidecarReport *report)
{
	SidecarState *it = get_state();

	SpinLockAcquire(&it->mutex);
	it->report = *report;
	SpinLockRelease(&it->mutex);
	ConditionVariableBroadcast(&it->changed);
}
