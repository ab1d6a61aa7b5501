/*
 * args_check.c
 *		What cannot be wrong in one option of the command line alone.
 *
 * Called by args.c, when all have been read.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/args.h"
#include "common/dist/handshake.h"

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

/* What is for another consumer, and would be ignored. */
static const char *
conflict_with_to(const Arguments *args)
{
	if (args->node.to == NULL)
		return NULL;
	if (args->beam)
		return "--beam";
	if (args->print.tables != NULL)
		return "--tables, which is for printing";
	if (args->print.metrics_file != NULL)
		return "--metrics-file, which is for printing";
	if (args->print.transactions)
		return "--transactions, which is for printing";
	if (args->settings.create == CREATE_TEMPORARY)
		return "--temporary: changes would be lost while the node is away";
	return NULL;
}

/* It has neither lines for transactions, nor any for what is not committed. */
static const char *
conflict_with_envelope(const Arguments *args)
{
	if (!args->print.envelope)
		return NULL;
	if (args->print.transactions)
		return "--transactions";
	return args->settings.two_phase ? "--two-phase" : NULL;
}

static bool
check_conflict(const Arguments *args, char *error, size_t size)
{
	const char *conflict = conflict_with_to(args);
	const char *unfit = conflict_with_envelope(args);

	if (conflict != NULL)
		snprintf(error, size, "--to cannot be combined with %s", conflict);
	else if (unfit != NULL)
		snprintf(error, size, "--print=debezium cannot be combined with %s",
				 unfit);
	return conflict == NULL && unfit == NULL;
}

static bool
check_node(const NodeOptions *options, char *error, size_t size)
{
	const char *to = options->to;
	const char *node = to != NULL ? strchr(to, '@') : NULL;

	if (to == NULL && options->name == NULL && options->cookie_file == NULL)
		return true;
	if (to == NULL)
		snprintf(error, size, "--node and --cookie-file need --to");
	else if (node == NULL || node == to || node - to > DIST_NAME_MAX ||
			 !dist_name_is_valid(node + 1))
		snprintf(error, size,
				 "--to must be like receiver@app@db1: a registered name, then "
				 "that of a node");
	else
		return true;
	return false;
}

/* The stream makes a slot that is made with something else, or is its own. */
static bool
check_creation(Arguments *args, char *error, size_t size)
{
	Settings *settings = &args->settings;
	const char *option = settings->create == CREATE_TEMPORARY ? "--temporary"
						 : settings->create_publication ? "--create-publication"
						 : settings->snapshot != SNAPSHOT_OFF ? "--snapshot"
															  : NULL;

	if (!args->create_slot || option == NULL)
		return true;
	if (!args->start)
	{
		snprintf(error, size, "%s needs --start: streaming creates the slot",
				 option);
		return false;
	}
	args->create_slot = false;
	if (settings->create == CREATE_NONE)
		settings->create = CREATE_IF_MISSING;
	return true;
}

static bool
check_snapshot(Arguments *args, char *error, size_t size)
{
	const PrintOptions *print = &args->print;
	BackfillRequest request;
	bool good;

	if (args->settings.snapshot != SNAPSHOT_OFF)
		args->start = true;
	else if (print->where != NULL || print->jobs != NULL ||
			 print->max_hold != NULL)
	{
		snprintf(error, size, "--where, --jobs and --max-hold need --snapshot");
		return false;
	}
	good = print_request(print, &request, error, size);
	request_free(&request);
	return good;
}

/* What is looked at before a slot or a stream need be named. */
static bool
check_check(const Arguments *args, char *error, size_t size)
{
	const char *problem = settings_unpublished(&args->settings);

	if (problem != NULL)
		snprintf(error, size, "%s", problem);
	return problem == NULL && (args->print.tables == NULL ||
							   check_tables(args->print.tables, error, size));
}

static bool
check_slot(const Settings *settings, char *error, size_t size)
{
	if (settings->slot != NULL)
		return true;
	snprintf(
		error, size,
		"no slot is given: name it with --slot=NAME (-S), or read one that "
		"ends with the connection by --temporary");
	return false;
}

bool
args_check(Arguments *args, char *error, size_t size)
{
	if (args->help || args->version || args->read != NULL)
		return true;
	if (!check_conflict(args, error, size))
		return false;
	if (args->beam)
		return true;
	if (args->drop_slot &&
		(args->create_slot || args->start || args->status || args->check))
	{
		snprintf(error, size,
				 "--drop-slot cannot be combined with another action");
		return false;
	}
	if (args->status)
		return true;
	if (args->check)
		return check_check(args, error, size);
	return name_temporary(&args->settings, error, size) &&
		   check_slot(&args->settings, error, size) &&
		   check_snapshot(args, error, size) &&
		   check_creation(args, error, size) &&
		   check_node(&args->node, error, size) &&
		   (args->print.tables == NULL ||
			check_tables(args->print.tables, error, size)) &&
		   settings_check(&args->settings, error, size);
}
