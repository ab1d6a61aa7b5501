/*
 * timeline.c
 *		Where a timeline ended, from a server's history file.
 *
 * Called by identity.c with the answer to TIMELINE_HISTORY.  A line has
 * the number of a timeline, the position where it was left, and a reason.
 */
#include "client/link/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "common/term/lsn.h"

static bool
read_line(const char *line, uint32_t timeline, uint64_t *end)
{
	char *rest;
	unsigned long number = strtoul(line, &rest, 10);
	size_t blank = strspn(rest, " \t");

	return rest != line && blank > 0 && number == timeline &&
		   lsn_from_text(rest + blank, strcspn(rest + blank, " \t\n"), end);
}

bool
timeline_end(const char *history, uint32_t timeline, uint64_t *end)
{
	const char *line = history;

	while (!read_line(line, timeline, end))
	{
		line = strchr(line, '\n');
		if (line == NULL)
			return false;
		line++;
	}
	return true;
}
