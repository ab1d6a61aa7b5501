/*
 * spawn.c
 *		Start a BEAM as a child of the worker.
 *
 * Between fork and exec only system calls: what was set up before is all that
 * the child needs.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "libpq/pqsignal.h"

#include "beam/settings.h"
#include "beam/spawn.h"

/* The child's descriptors, in their order. */
#define CHILD_FDS 5

/* Beyond, whatever the limit of files is, nobody has any. */
#define MAX_FDS_TO_CLOSE 65536

/* The ends that the child gets, one for each of its descriptors. */
typedef struct ChildFds
{
	int fds[CHILD_FDS];
} ChildFds;

/*
 * What the child finds in its environment unless the server's has it: no busy
 * waiting on a database's cores, no dump with rows in it where base backups
 * would take it from, file names in UTF-8, no name in a network.
 */
static const char *const defaults[][2] = {
	{"ERL_AFLAGS", "+sbwt none +sbwtdcpu none +sbwtdio none +fnu"},
	{"ERL_CRASH_DUMP_SECONDS", "0"},
	{"RELEASE_DISTRIBUTION", "none"},
};

/* Above all that dup2 writes to. */
static int
move_up(int fd)
{
	int moved;

	if (fd < 0)
		return -1;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_FDS);
	close(fd);
	return moved;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool
make_pipe(int *ours, int *theirs, bool we_write)
{
	int ends[2];

	if (pipe(ends) < 0)
		return false;
	*ours = move_up(ends[we_write ? 1 : 0]);
	*theirs = move_up(ends[we_write ? 0 : 1]);
	return *ours >= 0 && *theirs >= 0 && fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static bool
make_fds(Spawned *spawned, ChildFds *child)
{
	for (int i = 0; i < CHILD_FDS; i++)
		child->fds[i] = -1;
	child->fds[0] = move_up(open("/dev/null", O_RDONLY));
	if (!make_pipe(&spawned->log, &child->fds[1], false) ||
		!make_pipe(&spawned->to, &child->fds[3], true) ||
		!make_pipe(&spawned->from, &child->fds[4], false))
		return false;
	child->fds[2] = fcntl(child->fds[1], F_DUPFD_CLOEXEC, CHILD_FDS);
	return child->fds[0] >= 0 && child->fds[2] >= 0;
}

static void
close_child_fds(ChildFds *child)
{
	for (int i = 0; i < CHILD_FDS; i++)
		close_fd(&child->fds[i]);
}

static void
set_environment(const char *socket)
{
	for (int i = 0; i < (int) lengthof(defaults); i++)
		setenv(defaults[i][0], defaults[i][1], 0);
	setenv("PG_ETF_SIDECAR", socket, 1);
}

static void
limit(int resource, rlim_t value)
{
	struct rlimit now;

	if (getrlimit(resource, &now) < 0)
		return;
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
		value = now.rlim_max;
	now.rlim_cur = now.rlim_max = value;
	(void) setrlimit(resource, &now);
}

/* As the server does for its own children: the postmaster is spared, not us. */
static void
set_oom_score(void)
{
	const char *file = getenv("PG_OOM_ADJUST_FILE");
	const char *value = getenv("PG_OOM_ADJUST_VALUE");
	int fd = file == NULL ? -1 : open(file, O_WRONLY);

	if (fd < 0)
		return;
	if (value == NULL)
		value = "0";
	(void) !write(fd, value, strlen(value));
	close(fd);
}

static void
close_from(int first)
{
	long max = sysconf(_SC_OPEN_MAX);

#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
#endif
	if (max < 0 || max > MAX_FDS_TO_CLOSE)
		max = MAX_FDS_TO_CLOSE;
	for (int fd = first; fd < max; fd++)
		close(fd);
}

static void
reset_signals(void)
{
	sigset_t none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		(void) signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A parent that died before it could be asked for does not count, either. */
static bool
die_with(pid_t parent)
{
#ifdef PR_SET_PDEATHSIG
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return false;
#endif
	return getppid() == parent;
}

static void
run_child(ChildFds *child, const char *command, pid_t parent)
{
	setsid();
	if (!die_with(parent))
		_exit(1);
	for (int i = 0; i < CHILD_FDS; i++)
		if (dup2(child->fds[i], i) < 0)
			_exit(1);
	close_from(CHILD_FDS);
	set_oom_score();
	limit(RLIMIT_DATA, (rlim_t) elixir.memory_limit * 1024 * 1024);
	limit(RLIMIT_NOFILE, (rlim_t) elixir.max_files);
	limit(RLIMIT_CORE, 0);
	reset_signals();
	execl("/bin/sh", "sh", "-c", command, (char *) NULL);
	_exit(127);
}

void
spawn_close(Spawned *spawned)
{
	close_fd(&spawned->to);
	close_fd(&spawned->from);
	close_fd(&spawned->log);
}

/* Signals are blocked: the child must not run the worker's handlers. */
static pid_t
fork_child(ChildFds *child, const char *command)
{
	pid_t parent = getpid();
	sigset_t all;
	sigset_t before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run_child(child, command, parent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

bool
spawn_beam(Spawned *spawned, const char *socket)
{
	ChildFds child;
	char *command = psprintf("exec %s", elixir.command);
	bool made;

	*spawned = (Spawned){.pid = -1, .to = -1, .from = -1, .log = -1};
	set_environment(socket);
	made = make_fds(spawned, &child);
	if (made)
		spawned->pid = fork_child(&child, command);
	if (spawned->pid < 0)
		spawn_close(spawned);
	close_child_fds(&child);
	pfree(command);
	return spawned->pid > 0;
}
