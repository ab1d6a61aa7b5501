/*
 * main.c
 *		Start of the client: what was asked for, and the exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "client/check/check.h"
#include "client/cli/admin.h"
#include "client/cli/args.h"
#include "client/cli/password.h"
#include "client/cli/status.h"
#include "client/consumer/port.h"
#include "client/node/node.h"
#include "client/show/print.h"
#include "client/show/print_file.h"

/* From here on, malloc asks the kernel; what it may keep for itself. */
#define KEPT_CHUNK (1024 * 1024)
#define KEPT_BYTES (4 * 1024 * 1024)

/*
 * glibc gives the memory of a few frames back to the kernel as soon as they
 * have left, and the next ones fetch it page by page: a third of what it costs
 * to pass them on.
 */
static void
keep_memory(void)
{
#ifdef __GLIBC__
	(void) mallopt(M_MMAP_THRESHOLD, KEPT_CHUNK);
	(void) mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
#endif
}

/*
 * A descriptor that is closed would be given to the first socket, and what is
 * printed would go to the server.  Opened the wrong way round, it stays an
 * error to use it.
 */
static bool
hold_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
	{
		if (fcntl(fd, F_GETFD) < 0 &&
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	}
	return true;
}

static void
stream(Arguments *args, Failure *failure)
{
	if (args->node.to != NULL)
		node_stream(&args->settings, &args->node, failure);
	else
		print_stream(&args->settings, &args->print, failure);
}

static void
check(Arguments *args, Failure *failure)
{
	if (args->print.tables == NULL ||
		pairs_put(&args->settings.options, "include_tables",
				  args->print.tables))
		check_server(&args->settings, failure);
	else
		failure_set(failure, FAIL_INTERNAL, "out of memory");
}

static void
slots_and_stream(Arguments *args, Failure *failure)
{
	*failure = (Failure){.class = FAIL_NONE};
	if (args->check)
	{
		check(args, failure);
		return;
	}
	if (args->status)
		status_show(args, failure);
	else if (args->drop_slot)
		admin_drop(args, failure);
	else if (args->create_slot)
		admin_create(args, failure);
	if (failure->class == FAIL_NONE && !args->status && !args->drop_slot &&
		(args->start || !args->create_slot))
		stream(args, failure);
}

/* As psql does: a password is asked for when the server wants one. */
static void
connect_and_run(Arguments *args, Failure *failure)
{
	PairList *connection = &args->settings.connection;

	if (args->ask_password && !password_ask(connection, failure))
		return;
	slots_and_stream(args, failure);
	if (failure->password_missing && !args->no_password &&
		password_can_be_asked() && password_ask(connection, failure))
		slots_and_stream(args, failure);
}

static int
run(Arguments *args)
{
	Failure failure = {.class = FAIL_NONE};

	if (args->help)
		args_help();
	else if (args->version)
		printf("%s %s\n", PROGRAM_NAME, ETF_VERSION);
	else if (args->beam)
		return port_main();
	else if (args->read != NULL)
		print_file(args->read, &args->settings, &args->print, &failure);
	else
		connect_and_run(args, &failure);
	return failure_print(&failure);
}

/* A core file would hold the password, and rows. */
static void
no_core(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &limit);
}

/* A text that did not reach its reader is a failure, too. */
static int
flush_stdout(int status)
{
	Failure failure;

	if ((fflush(stdout) == 0 && !ferror(stdout)) || status != 0)
		return status;
	failure_set(&failure, FAIL_OUTPUT, "output: %s", strerror(errno));
	return failure_print(&failure);
}

int
main(int argc, char **argv)
{
	Arguments args;
	Failure failure = {.class = FAIL_NONE};
	char error[256];
	int status;

	no_core();
	keep_memory();
	signal(SIGXFSZ, SIG_IGN); /* a file that is too large is an error */
	if (!hold_descriptors())
		return failure_info(FAIL_INTERNAL)->exit_status;
	srandom((unsigned int) (time(NULL) ^ getpid()));
	if (args_parse(&args, argc, argv, error, sizeof(error)))
		status = flush_stdout(run(&args));
	else
	{
		failure_set(&failure, FAIL_USAGE, "%s", error);
		status = failure_print(&failure);
	}
	settings_free(&args.settings);
	return status;
}
