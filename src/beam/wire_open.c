/*
 * wire_open.c
 *		Connect a wire to a path, or to a host and port.
 */
#include "postgres.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "beam/wire_parts.h"

/* The kernel does not wait for room in the backlog of a unix socket. */
#define BACKLOG_PAUSE_MS 1

/* A host's addresses that are tried. */
#define MAX_ADDRESSES 8

typedef struct Address
{
	struct sockaddr_storage name;
	socklen_t len;
} Address;

/*
 * What became of a connection that the kernel makes by itself.  One that does
 * not answer is an ERROR only where it is the last.
 */
static int
connect_result(Wire *wire, bool last)
{
	int error = 0;
	socklen_t len = sizeof(error);

	while (!wire_wait(wire, WL_SOCKET_CONNECTED))
		if (!last && wire_left(wire->deadline) == 0)
			return ETIMEDOUT;
	if (getsockopt(wire->socket, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return errno;
	return error;
}

/* 0, or the kernel's reason. */
static int
connect_address(Wire *wire, const Address *address, bool last)
{
	wire_detach(wire);
	wire_attach(wire, address->name.ss_family);
	while (connect(wire->socket, (const struct sockaddr *) &address->name,
				   address->len) < 0)
	{
		if (errno == EINPROGRESS || errno == EINTR)
			return connect_result(wire, last);
		if (errno != EAGAIN)
			return errno;
		wire_pause(wire, BACKLOG_PAUSE_MS);
	}
	return 0;
}

/* One that does not answer must leave time for the others. */
static WireDeadline
share_of(WireDeadline deadline, int addresses)
{
	int64 now = wire_now();

	deadline.at = now + (deadline.at - now) / addresses;
	return deadline;
}

/* The first of the addresses that answers. */
static Wire *
open_wire(const char *peer, const Address *addresses, int count,
		  const char *where, WireDeadline deadline)
{
	Wire *wire = wire_new(peer, deadline);

	PG_TRY();
	{
		int left = count;

		for (;;)
		{
			wire->deadline = share_of(deadline, left);
			errno = connect_address(wire, &addresses[count - left], left == 1);
			if (errno == 0)
				break;
			if (--left == 0)
				ereport(
					ERROR,
					(errcode(
						 ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
					 errmsg("could not connect to %s: %m", peer),
					 errdetail("Tried %s.", where)));
		}
	}
	PG_CATCH();
	{
		wire_close(wire);
		PG_RE_THROW();
	}
	PG_END_TRY();
	wire->deadline = deadline;
	return wire;
}

Wire *
wire_open_unix(const char *peer, const char *path, WireDeadline deadline)
{
	Address address = {.len = sizeof(struct sockaddr_un)};
	struct sockaddr_un *name = (struct sockaddr_un *) &address.name;

	name->sun_family = AF_UNIX;
	if (strlcpy(name->sun_path, path, sizeof(name->sun_path)) >=
		sizeof(name->sun_path))
		ereport(ERROR,
				(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				 errmsg("could not connect to %s: the path of its socket is "
						"longer than %zu bytes",
						peer, sizeof(name->sun_path) - 1),
				 errdetail("Tried %s.", path)));
	return open_wire(peer, &address, 1, path, deadline);
}

/* Copied, so that no memory of the resolver's is kept. */
static int
resolve(const char *peer, const char *host, int port, Address *addresses)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char service[16];
	int count = 0;
	int error;

	snprintf(service, sizeof(service), "%d", port);
	error = getaddrinfo(host, service, &hints, &found);
	if (error != 0)
		ereport(ERROR,
				(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				 errmsg("could not connect to %s: host \"%s\" was not found",
						peer, host),
				 errdetail("%s.", gai_strerror(error))));
	for (struct addrinfo *next = found; next != NULL && count < MAX_ADDRESSES;
		 next = next->ai_next)
	{
		memcpy(&addresses[count].name, next->ai_addr, next->ai_addrlen);
		addresses[count++].len = next->ai_addrlen;
	}
	freeaddrinfo(found);
	return count;
}

Wire *
wire_open_tcp(const char *peer, const char *host, int port,
			  WireDeadline deadline)
{
	Address addresses[MAX_ADDRESSES];
	int count = resolve(peer, host, port, addresses);
	char *where = psprintf("%s, port %d", host, port);
	Wire *wire = open_wire(peer, addresses, count, where, deadline);
	int on = 1;

	(void) setsockopt(wire->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void) setsockopt(wire->socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	pfree(where);
	return wire;
}
