/*
 * supervisor.c
 *		The worker that runs the BEAM.
 *
 * It starts one where postgresql.conf has a command, and again when it has
 * ended; child.c looks after it.  It is never on the way of a call, so all
 * that happens here is about one process.
 *
 * It exits with 1, never with 0: after a worker has ended with 0, the
 * postmaster does not start it again.
 */
#include "postgres.h"

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "beam/child.h"
#include "beam/restarts.h"
#include "beam/settings.h"
#include "beam/supervisor.h"
#include "compat/backend.h"

/* The worker itself, should it ever end with an ERROR. */
#define RESTART_S 5

/* Nothing is to be done: as long as it takes. */
#define IDLE_MS 60000

typedef struct Supervisor
{
	Child child;
	SidecarReport report;
	Restarts restarts;
	int64 start_ms; /* when the next one is due */
	char *command;	/* that the present one was started with */
	char *socket;
	bool enabled;
	WaitEventSet *set;
	int from; /* what the set waits for */
	int log;
} Supervisor;

static Supervisor supervisor;

static int64
now_ms(void)
{
	return wire_now() / 1000;
}

static bool
is_wanted(const Supervisor *it)
{
	return it->enabled && *it->command != '\0' && !ShutdownRequestPending;
}

static void
set_status(Supervisor *it, SidecarStatus status)
{
	it->report.status = status;
	if (status != SIDECAR_READY)
	{
		it->report.pid = 0;
		it->report.memory_kb = 0;
	}
	state_write(&it->report);
}

/* What status is there while none is ready? */
static void
set_waiting(Supervisor *it)
{
	if (!is_wanted(it))
		set_status(it, SIDECAR_STOPPED);
	else
		set_status(it, it->restarts.failed ? SIDECAR_FAILED : SIDECAR_STARTING);
}

static void
remember_settings(Supervisor *it)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	if (it->command != NULL)
		pfree(it->command);
	if (it->socket != NULL)
		pfree(it->socket);
	it->command = pstrdup(elixir.command);
	it->socket = pstrdup(elixir.socket);
	it->enabled = elixir.enabled;
	MemoryContextSwitchTo(caller);
}

/* Begin anew, as if none had ever ended. */
static void
begin_anew(Supervisor *it)
{
	restarts_init(&it->restarts);
	it->start_ms = 0;
	remember_settings(it);
	if (child_runs(&it->child))
		child_stop(&it->child, now_ms());
	set_waiting(it);
}

/* What else has changed is for the next BEAM. */
static void
reload(Supervisor *it)
{
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	if (strcmp(it->command, elixir.command) != 0 ||
		strcmp(it->socket, elixir.socket) != 0 || it->enabled != elixir.enabled)
		begin_anew(it);
}

static void
take_requests(Supervisor *it)
{
	if (ConfigReloadPending)
		reload(it);
	if (state_restart_is_wanted())
	{
		ereport(LOG, (errmsg("the sidecar is restarted on request")));
		begin_anew(it);
	}
	if (ShutdownRequestPending && child_runs(&it->child))
		child_stop(&it->child, now_ms());
}

static void
became_ready(Supervisor *it)
{
	restarts_ready(&it->restarts);
	it->report.since = GetCurrentTimestamp();
	it->report.readies++;
	ereport(LOG, (errmsg("the sidecar is ready: process %d, OTP %s",
						 it->report.pid, it->report.otp)));
}

static uint32
random_number(void)
{
	uint32 random = 0;

	(void) pg_strong_random(&random, sizeof(random));
	return random;
}

static void
plan_restart(Supervisor *it, const char *reason, int64 up_ms)
{
	bool failed_before = it->restarts.failed;
	uint32 pause = restarts_end(&it->restarts, elixir.max_restarts, now_ms(),
								up_ms, random_number());

	it->start_ms = now_ms() + pause;
	it->report.restarts++;
	ereport(LOG, (errmsg("the sidecar has ended: %s; the next start is in "
						 "%u ms",
						 reason, pause)));
	if (it->restarts.failed && !failed_before)
		ereport(WARNING,
				(errmsg("the sidecar has ended more than %d times within a "
						"minute",
						elixir.max_restarts),
				 errdetail("It is started once a minute from now on; until "
						   "one is ready, calls fail at once."),
				 errhint("The lines before tell why. Afterwards, "
						 "elixir_restart() does not wait.")));
}

/*
 * What it printed before it was ready tells why it never was.  Later output
 * may show data, and stays in the log.
 */
static void
keep_last_words(Supervisor *it)
{
	char *kept = it->report.last_output;

	strlcpy(it->report.last_exit, it->child.reason,
			sizeof(it->report.last_exit));
	strlcpy(kept, it->child.ready ? "" : it->child.log.recent,
			sizeof(it->report.last_output));
	if (*kept != '\0')
		kept[strlen(kept) - 1] = '\0';
}

static void
has_ended(Supervisor *it, int64 up_ms)
{
	keep_last_words(it);
	if (it->child.stopping)
		ereport(LOG, (errmsg("the sidecar has stopped: %s", it->child.reason)));
	else
		plan_restart(it, it->child.reason, up_ms);
	set_waiting(it);
}

static void
watch(Supervisor *it)
{
	bool was_ready = it->child.ready;
	int64 started_ms = it->child.started_ms;

	child_watch(&it->child, &it->report, now_ms());
	if (!child_runs(&it->child))
		has_ended(it, now_ms() - started_ms);
	else if (it->child.stopping)
		set_waiting(it);
	else if (it->child.ready)
	{
		if (!was_ready)
			became_ready(it);
		set_status(it, SIDECAR_READY);
	}
}

static void
start(Supervisor *it)
{
	if (child_start(&it->child, now_ms()))
		return;
	snprintf(it->report.last_exit, sizeof(it->report.last_exit),
			 "could not be started: %s", strerror(errno));
	plan_restart(it, it->report.last_exit, 0);
	set_waiting(it);
}

/* The descriptors change with each BEAM, and when one of them ends. */
static void
update_set(Supervisor *it)
{
	bool runs = child_runs(&it->child);
	int from = runs ? it->child.spawned.from : -1;
	int log = runs ? it->child.spawned.log : -1;

	if (it->set != NULL && it->from == from && it->log == log)
		return;
	if (it->set != NULL)
		FreeWaitEventSet(it->set);
	it->set = create_wait_event_set(TopMemoryContext, 4);
	AddWaitEventToSet(it->set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(it->set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL,
					  NULL);
	if (from >= 0)
		AddWaitEventToSet(it->set, WL_SOCKET_READABLE, from, NULL, NULL);
	if (log >= 0)
		AddWaitEventToSet(it->set, WL_SOCKET_READABLE, log, NULL, NULL);
	it->from = from;
	it->log = log;
}

static long
time_to_wait(const Supervisor *it)
{
	int64 next = now_ms() + IDLE_MS;

	if (child_runs(&it->child))
		next = child_next_ms(&it->child);
	else if (is_wanted(it))
		next = Min(next, it->start_ms);
	return (long) Max(next - now_ms(), 0);
}

static void
wait_for_news(Supervisor *it)
{
	WaitEvent event;

	update_set(it);
	(void) WaitEventSetWait(it->set, time_to_wait(it), &event, 1,
							wait_event_of("ElixirSidecarMain"));
	ResetLatch(MyLatch);
}

static void
at_exit(int code, Datum argument)
{
	child_kill(&supervisor.child);
	state_leave_worker();
	set_status(&supervisor, SIDECAR_STOPPED);
}

static void
set_up(Supervisor *it)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	restarts_init(&it->restarts);
	remember_settings(it);
	state_enter_worker();
	before_shmem_exit(at_exit, (Datum) 0);
	set_waiting(it);
}

void
elixir_sidecar_main(Datum argument)
{
	Supervisor *it = &supervisor;
	MemoryContext turn = AllocSetContextCreate(
		TopMemoryContext, "turn of the sidecar's worker", ALLOCSET_SMALL_SIZES);

	set_up(it);
	MemoryContextSwitchTo(turn);
	while (!ShutdownRequestPending || child_runs(&it->child))
	{
		take_requests(it);
		if (child_runs(&it->child))
			watch(it);
		else if (is_wanted(it) && now_ms() >= it->start_ms)
			start(it);
		MemoryContextReset(turn);
		if (!ShutdownRequestPending || child_runs(&it->child))
			wait_for_news(it);
	}
	proc_exit(1);
}

void
supervisor_register(void)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS,
		.bgw_start_time = BgWorkerStart_PostmasterStart,
		.bgw_restart_time = RESTART_S,
		.bgw_name = "elixir sidecar",
		.bgw_type = "elixir sidecar",
		.bgw_library_name = "pg_etf_beam",
		.bgw_function_name = "elixir_sidecar_main",
	};

	RegisterBackgroundWorker(&worker);
}
