/*
 * child.c
 *		One BEAM, from its start to its end.
 *
 * Its end shows first as the end of its control channel; what waitpid then
 * says is the reason.  A BEAM that is silent, or does not end when asked, is
 * killed, with all processes of its group.
 */
#include "postgres.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "beam/child.h"
#include "beam/settings.h"

#define PING_MS 1000
#define SILENCE_MS 10000
#define STOP_GRACE_MS 3000

/* Between the end of the channel and that of the process. */
#define CLOSED_GRACE_MS 1000
#define REAP_MS 10

/* Of its limit of memory, in percent: warn above, and again when it was below. */
#define WARN_ABOVE 90
#define CALM_BELOW 80

/* The directory of a socket, if there is none: one that is, is somebody's. */
static bool
make_directory(void)
{
	char directory[MAXPGPATH];

	if (is_absolute_path(elixir.socket))
		return true;
	strlcpy(directory, elixir.socket, sizeof(directory));
	get_parent_directory(directory);
	if (*directory == '\0')
		return true;
	return mkdir(directory, S_IRWXU) == 0 || errno == EEXIST;
}

static char *
absolute_socket(void)
{
	if (is_absolute_path(elixir.socket))
		return pstrdup(elixir.socket);
	return psprintf("%s/%s", DataDir, elixir.socket);
}

bool
child_start(Child *child, int64 now_ms)
{
	memset(child, 0, sizeof(Child));
	if (!make_directory() || !spawn_beam(&child->spawned, absolute_socket()))
	{
		child->spawned.pid = 0;
		return false;
	}
	control_init(&child->control, child->spawned.to, child->spawned.from);
	beam_log_init(&child->log, child->spawned.log);
	child->started_ms = child->watched_ms = child->ping_ms = now_ms;
	(void) control_send_start(&child->control, elixir.socket);
	return true;
}

static void
signal_group(const Child *child, int signal_number)
{
	(void) kill(-child->spawned.pid, signal_number);
	(void) kill(child->spawned.pid, signal_number);
}

static void
give_up(Child *child, const char *reason)
{
	if (child->reason[0] == '\0')
		strlcpy(child->reason, reason, sizeof(child->reason));
	signal_group(child, SIGKILL);
	child->kill_ms = 0;
}

void
child_kill(Child *child)
{
	if (child_runs(child))
		signal_group(child, SIGKILL);
}

void
child_stop(Child *child, int64 now_ms)
{
	if (child->stopping)
		return;
	child->stopping = true;
	child->kill_ms = now_ms + STOP_GRACE_MS;
	(void) control_send_stop(&child->control);
}

/* What a status means that is none of Elixir's. */
static const char *
explain_status(const Child *child, int status)
{
	if (status == 127)
		return ": the shell did not find the program";
	if (status == 126)
		return ": the shell may not run the program";
	if (status == 0 && !child->stopping)
		return ": nothing keeps it running, as --no-halt does";
	return "";
}

static void
describe_status(Child *child, int status)
{
	if (child->reason[0] != '\0')
		return;
	if (WIFSIGNALED(status))
		snprintf(child->reason, sizeof(child->reason), "killed by signal %d",
				 WTERMSIG(status));
	else
		snprintf(child->reason, sizeof(child->reason), "exit status %d%s",
				 WEXITSTATUS(status),
				 explain_status(child, WEXITSTATUS(status)));
}

/* Is it gone?  Then so is what it left behind. */
static void
reap(Child *child, int64 now_ms)
{
	int status = 0;

	if (waitpid(child->spawned.pid, &status, WNOHANG) == 0)
		return;
	signal_group(child, SIGKILL);
	(void) beam_log_read(&child->log, now_ms);
	beam_log_end(&child->log, now_ms);
	describe_status(child, status);
	spawn_close(&child->spawned);
	child->spawned.pid = 0;
}

static void
take_event(Child *child, ControlEvent event, int64 now_ms)
{
	switch (event)
	{
		case CONTROL_READY:
			child->ready = true;
			child->pong_ms = now_ms;
			break;
		case CONTROL_PONG:
			child->pong_ms = now_ms;
			break;
		case CONTROL_CLOSED:
			close(child->spawned.from);
			child->spawned.from = -1;
			if (child->kill_ms == 0)
				child->kill_ms = now_ms + CLOSED_GRACE_MS;
			break;
		case CONTROL_BAD:
			give_up(child, "nonsense on descriptor 4");
			break;
		case CONTROL_NOTHING:
			break;
	}
}

static void
read_control(Child *child, SidecarReport *report, int64 now_ms)
{
	ControlEvent event = CONTROL_BAD;

	while (child->spawned.from >= 0 && event != CONTROL_NOTHING)
	{
		event = control_next(&child->control, report);
		take_event(child, event, now_ms);
		if (event == CONTROL_BAD)
			break;
	}
}

/* Resident memory, in kB. */
static int64
memory_of(int pid)
{
	char path[64];
	FILE *file;
	long pages = 0;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	file = AllocateFile(path, "r");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	FreeFile(file);
	return (int64) pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
watch_memory(Child *child, SidecarReport *report)
{
	int64 limit_kb = (int64) elixir.memory_limit * 1024;

	report->memory_kb = memory_of(report->pid);
	if (report->memory_kb * 100 < limit_kb * CALM_BELOW)
		child->warned = false;
	if (child->warned || report->memory_kb * 100 < limit_kb * WARN_ABOVE)
		return;
	child->warned = true;
	ereport(WARNING,
			(errmsg("the sidecar uses " INT64_FORMAT " MB of memory, of %d",
					report->memory_kb / 1024, elixir.memory_limit),
			 errhint("Beyond elixir.memory_limit_mb it ends and is started "
					 "again.")));
}

static void
ping(Child *child, SidecarReport *report, int64 now_ms)
{
	if (now_ms < child->ping_ms)
		return;
	child->ping_ms = now_ms + PING_MS;
	(void) control_send_ping(&child->control);
	if (child->ready)
		watch_memory(child, report);
}

static void
check_times(Child *child, int64 now_ms)
{
	char late[STATE_EXIT_LEN];

	/* A machine that stood still is no fault of the BEAM. */
	if (now_ms - child->watched_ms > SILENCE_MS / 2)
		child->pong_ms = now_ms;
	child->watched_ms = now_ms;
	if (child->kill_ms > 0 && now_ms >= child->kill_ms)
		give_up(child, child->stopping ? "did not stop when it was asked"
									   : "closed descriptor 4");
	else if (child->ready && now_ms - child->pong_ms > SILENCE_MS)
		give_up(child, "no heartbeat for 10 s");
	else if (!child->ready &&
			 now_ms - child->started_ms > (int64) elixir.start_timeout * 1000)
	{
		snprintf(late, sizeof(late), "not ready within %d s",
				 elixir.start_timeout);
		give_up(child, late);
	}
}

void
child_watch(Child *child, SidecarReport *report, int64 now_ms)
{
	if (child->spawned.log >= 0 && !beam_log_read(&child->log, now_ms))
	{
		close(child->spawned.log);
		child->spawned.log = -1;
	}
	read_control(child, report, now_ms);
	ping(child, report, now_ms);
	check_times(child, now_ms);
	reap(child, now_ms);
}

int64
child_next_ms(const Child *child)
{
	int64 next = child->ping_ms;

	if (child->kill_ms > 0)
		next = Min(next, child->kill_ms);
	if (child->spawned.from < 0 || child->reason[0] != '\0')
		next = Min(next, child->watched_ms + REAP_MS);
	return next;
}
