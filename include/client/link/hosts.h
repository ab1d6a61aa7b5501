/*
 * hosts.h
 *		The hosts of a connection, in the order in which they are tried.
 */
#ifndef ETF_HOSTS_H
#define ETF_HOSTS_H

#include <libpq-fe.h>
#include <stdint.h>

#define HOST_LISTS 3
#define HOST_LIST_SIZE 1024

/* Values that win over those of the settings; empty: as the settings say. */
typedef struct Hosts
{
	char lists[HOST_LISTS][HOST_LIST_SIZE];
} Hosts;

extern const char *const host_lists[HOST_LISTS];

/* How many libpq may try, one after another. */
extern uint32_t hosts_count(PGconn *conn);

/* The next connection begins with the second host; the first is the last. */
extern void hosts_rotate(Hosts *hosts, PGconn *conn);

#endif
