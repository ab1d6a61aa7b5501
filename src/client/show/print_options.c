/*
 * print_options.c
 *		What --snapshot asks for.
 *
 * For print.c, and for args_check.c, which wants to know whether it can be.
 */
#include "client/show/print_options.h"

#include <stdio.h>

/* As long as nobody asks for two of a slot. */
#define SNAPSHOT_ID "snapshot"

static bool
set(BackfillRequest *request, const char *name, const char *value, char *error,
	size_t size)
{
	return value == NULL ||
		   settings_set_text(request, request_find(name), value, error, size);
}

bool
print_request(const PrintOptions *options, BackfillRequest *request,
			  char *error, size_t size)
{
	if (!request_init(request, SNAPSHOT_ID) ||
		(options->where != NULL &&
		 !pairs_put(&request->where, "", options->where)))
	{
		snprintf(error, size, "out of memory");
		return false;
	}
	return set(request, "jobs", options->jobs, error, size) &&
		   set(request, "max_hold", options->max_hold, error, size);
}
