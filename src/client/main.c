/*
 * main.c
 *		Start of the client: what was asked for, and the exit status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client/admin.h"
#include "client/args.h"
#include "client/port.h"
#include "client/print.h"

static bool
ask_password(Arguments *args)
{
	char *password = args->ask_password ? getpass("Password: ") : NULL;

	return password == NULL ||
		   pairs_put(&args->settings.connection, "password", password);
}

static int
slots_and_stream(Arguments *args)
{
	int status = 0;

	if (args->status)
		return admin_status(args);
	if (args->drop_slot)
		return admin_drop(args);
	/* A temporary one can only be made by the connection that streams. */
	if (args->create_slot && args->settings.create != CREATE_TEMPORARY)
		status = admin_create(args);
	if (status != 0 || (args->create_slot && !args->start))
		return status;
	return print_main(args);
}

static int
act(Arguments *args)
{
	if (args->help)
	{
		args_help();
		return 0;
	}
	if (args->version)
	{
		printf("%s %s\n", PROGRAM_NAME, ETF_VERSION);
		return 0;
	}
	if (args->port)
		return port_main();
	if (args->read != NULL)
		return read_main(args);
	if (!ask_password(args))
		return failure_info(FAIL_INTERNAL)->exit_status;
	return slots_and_stream(args);
}

int
main(int argc, char **argv)
{
	Arguments args;
	Failure failure = {.class = FAIL_NONE};
	char error[256];
	int status;

	srandom((unsigned int) (time(NULL) ^ getpid()));
	if (args_parse(&args, argc, argv, error, sizeof(error)))
		status = act(&args);
	else
	{
		failure_set(&failure, FAIL_USAGE, "%s", error);
		status = print_failure(&failure);
	}
	settings_free(&args.settings);
	return status;
}
