/*
 * args_check.c
 *		What cannot be wrong in one option of the command line alone.
 *
 * Called by args.c, when all have been read.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "client/args.h"

/* Nobody else has it, and nobody has to think of it. */
static bool
name_temporary(Settings *settings, char *error, size_t size)
{
	char name[64];
	struct timespec now;

	if (settings->create != CREATE_TEMPORARY || settings->slot != NULL)
		return true;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(name, sizeof(name), "%s_%d_%lx%lx", PROGRAM_NAME, (int) getpid(),
			 (unsigned long) now.tv_sec, (unsigned long) now.tv_nsec);
	return settings_set_text(settings, settings_find("slot", 4), name, error,
							 size);
}

/* The plugin would refuse it later, and in words that do not help. */
static bool
check_tables(const char *patterns, char *error, size_t size)
{
	const char *start = patterns;
	bool schema = false;

	for (const char *p = patterns;; p++)
	{
		if (p[0] == '\\' && p[1] != '\0')
			p++;
		else if (*p == '.')
			schema = true;
		else if ((*p == ',' || *p == '\0') && !schema)
		{
			snprintf(error, size,
					 "--tables: \"%.*s\" has no schema: did you mean "
					 "\"public.%.*s\"?",
					 (int) (p - start), start, (int) (p - start), start);
			return false;
		}
		else if (*p == ',')
		{
			start = p + 1;
			schema = false;
		}
		if (*p == '\0')
			return true;
	}
}

bool
args_check(Arguments *args, char *error, size_t size)
{
	if (args->help || args->version || args->beam || args->read != NULL)
		return true;
	if (args->drop_slot && (args->create_slot || args->start || args->status))
	{
		snprintf(error, size, "--drop-slot goes with nothing else");
		return false;
	}
	if (args->status)
		return true;
	if (args->create_slot && !args->start &&
		args->settings.create == CREATE_TEMPORARY)
	{
		snprintf(error, size, "a temporary slot is created by --start");
		return false;
	}
	return name_temporary(&args->settings, error, size) &&
		   (args->tables == NULL || check_tables(args->tables, error, size)) &&
		   settings_check(&args->settings, error, size);
}
