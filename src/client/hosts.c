/*
 * hosts.c
 *		The hosts of a connection, in the order in which they are tried.
 *
 * Used by db.c.  Who polls has to see to timeouts himself, and libpq cannot be
 * told to go on to the next host.  So after a timeout the next connection
 * begins one host later: one that accepts and says nothing, as a machine that
 * hangs does, must not hide the others.
 */
#include "client/hosts.h"

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
hosts_turn(Hosts *hosts, PGconn *conn)
{
	PQconninfoOption *options = PQconninfo(conn);
	bool fits = true;

	for (size_t i = 0; i < HOST_LISTS; i++)
		fits &= turn(hosts->lists[i], value_of(options, host_lists[i]));
	/* One list that is not turned would not go with the others. */
	if (!fits)
		*hosts = (Hosts){0};
	PQconninfoFree(options);
}
