/*
 * wire.c
 *		A stream socket of a backend, and the one wait of the extension.
 *
 * The socket never blocks.  What the kernel does at once costs no wait;
 * otherwise the latch, the socket and the postmaster's death are waited for
 * together, and interrupts are served.  Nothing is kept in malloc's memory
 * meanwhile, so an ERROR may be raised anywhere.
 *
 * wire_open.c connects, wire_io.c sends and receives.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "beam/wire_parts.h"
#include "compat/backend.h"

int64
wire_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

WireDeadline
wire_deadline(int timeout_ms)
{
	return (WireDeadline){wire_now() + (int64) timeout_ms * 1000, timeout_ms};
}

long
wire_left(WireDeadline deadline)
{
	int64 left = deadline.at - wire_now();

	return left > 0 ? (long) ((left + 999) / 1000) : 0;
}

int
wire_error_code(const Wire *wire, int when_ready)
{
	return wire->ready ? when_ready
					   : ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
}

static int
detail(const Wire *wire)
{
	if (!wire->ready || !wire->busy || wire->message)
		return 0;
	return errdetail("The function may have run.");
}

/* What is left to a wire; raises the error when nothing is. */
static long
time_left(const Wire *wire)
{
	long left = wire_left(wire->deadline);

	if (left > 0)
		return left;
	ereport(ERROR,
			(errcode(wire_error_code(wire, ERRCODE_CONNECTION_EXCEPTION)),
			 errmsg("%s did not answer within %d ms", wire->peer,
					wire->deadline.timeout_ms),
			 detail(wire)));
}

bool
wire_wait(Wire *wire, uint32 events)
{
	WaitEvent occurred;

	ModifyWaitEvent(wire->set, wire->socket_place, events, NULL);
	if (WaitEventSetWait(wire->set, time_left(wire), &occurred, 1,
						 wire->wait_event) == 0)
		return false;
	if (occurred.events & WL_SOCKET_MASK)
		return true;
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	return false;
}

void
wire_pause(Wire *wire, int ms)
{
	if (WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
				  Min(ms, time_left(wire)), wire->wait_event) &
		WL_LATCH_SET)
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* A peer that never stops sending is no reason to go on for ever. */
void
wire_check(const Wire *wire)
{
	CHECK_FOR_INTERRUPTS();
	(void) time_left(wire);
}

void
wire_lose(Wire *wire, int error)
{
	wire->closed = true;
	wire->error = error;
}

void
wire_fail_closed(const Wire *wire)
{
	errno = wire->error;
	ereport(ERROR,
			(errcode(wire->ready
						 ? ERRCODE_CONNECTION_FAILURE
						 : ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
			 wire->error == 0
				 ? errmsg("%s closed the connection", wire->peer)
				 : errmsg("connection to %s was lost: %m", wire->peer),
			 detail(wire)));
}

void
wire_attach(Wire *wire, int family)
{
	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not connect to %s", wire->peer),
				 errdetail("This server process has too many open files."),
				 errhint("Raise max_files_per_process, or disconnect from "
						 "nodes that are not needed.")));
	wire->socket = socket(family, SOCK_STREAM, 0);
	if (wire->socket < 0)
		ReleaseExternalFD();
	if (wire->socket < 0 || !pg_set_noblock(wire->socket) ||
		fcntl(wire->socket, F_SETFD, FD_CLOEXEC) < 0)
		ereport(ERROR,
				(errcode_for_socket_access(),
				 errmsg("could not make a socket for %s: %m", wire->peer)));
	wire->set = create_wait_event_set(wire->context, 3);
	AddWaitEventToSet(wire->set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wire->set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL,
					  NULL);
	wire->socket_place = AddWaitEventToSet(wire->set, WL_SOCKET_READABLE,
										   wire->socket, NULL, NULL);
}

void
wire_detach(Wire *wire)
{
	int socket = wire->socket;

	if (wire->set != NULL)
		FreeWaitEventSet(wire->set);
	wire->set = NULL;
	if (socket < 0)
		return;
	wire->socket = -1; /* first, for the signal handler */
	close(socket);
	ReleaseExternalFD();
}

Wire *
wire_new(const char *peer, WireDeadline deadline)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "wire", ALLOCSET_SMALL_SIZES);
	Wire *wire = MemoryContextAllocZero(context, sizeof(Wire));

	wire->context = context;
	wire->peer = MemoryContextStrdup(context, peer);
	wire->buffer = MemoryContextAlloc(context, WIRE_BUFFER);
	wire->socket = -1;
	wire->max_packet = WIRE_MAX_PACKET;
	wire->wait_event = PG_WAIT_EXTENSION;
	wire->deadline = deadline;
	return wire;
}

void
wire_close(Wire *wire)
{
	if (wire == NULL)
		return;
	wire_detach(wire);
	MemoryContextDelete(wire->context);
}
