/*
 * hosts.c
 *		The hosts of a connection, in the order in which they are tried.
 *
 * Used by db.c.  A caller that polls must handle timeouts itself, and cannot
 * make libpq try the next host.  So after a timeout the next connection starts
 * one host later: a host that accepts connections but hangs must not hide the
 * others.
 */
#include "client/link/hosts.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *const host_lists[HOST_LISTS] = {"host", "hostaddr", "port"};

/* As it counts, whether a setting, the environment or a service said so. */
static const char *
value_of(const PQconninfoOption *options, const char *keyword)
{
	while (options != NULL && options->keyword != NULL &&
		   strcmp(options->keyword, keyword) != 0)
		options++;
	return options != NULL ? options->val : NULL;
}

static uint32_t
count(const char *list)
{
	uint32_t count = 1;

	for (; list != NULL && *list != '\0'; list++)
		count += *list == ',';
	return count;
}

uint32_t
hosts_count(PGconn *conn)
{
	PQconninfoOption *options = PQconninfo(conn);
	uint32_t by_name = count(value_of(options, "host"));
	uint32_t by_address = count(value_of(options, "hostaddr"));

	PQconninfoFree(options);
	return by_name > by_address ? by_name : by_address;
}

/* "a,b,c" becomes "b,c,a"; a single value is for all hosts. */
static bool
turn(char *to, const char *list)
{
	const char *comma = list != NULL ? strchr(list, ',') : NULL;

	to[0] = '\0';
	if (comma == NULL)
		return true;
	if (strlen(list) >= HOST_LIST_SIZE)
		return false;
	snprintf(to, HOST_LIST_SIZE, "%s,%.*s", comma + 1, (int) (comma - list),
			 list);
	return true;
}

void
hosts_rotate(Hosts *hosts, PGconn *conn)
{
	PQconninfoOption *options = PQconninfo(conn);
	bool fits = true;

	for (size_t i = 0; i < HOST_LISTS; i++)
		fits &= turn(hosts->lists[i], value_of(options, host_lists[i]));
	/* One list that is not rotated would not go with the others. */
	if (!fits)
		*hosts = (Hosts){0};
	PQconninfoFree(options);
}
