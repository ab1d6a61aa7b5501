/*
 * wire_io.c
 *		Send over a wire, and receive packets.
 *
 * Small packets are read through a buffer, several at once; of large ones the
 * bytes go where they belong.
 */
#include "postgres.h"

#include <limits.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "port/pg_bswap.h"

#include "beam/wire_parts.h"

/* The kernel does not tell when there is room for more than a byte. */
#define ROOM_PAUSE_MS 1

/* From here on, malloc asks the kernel; what it may keep for itself then. */
#define LARGE_PACKET (128 * 1024)
#define KEPT_CHUNK (4 * 1024 * 1024)
#define KEPT_BYTES (8 * 1024 * 1024)

/*
 * glibc gives so much back to the kernel after each call, and the next fetches
 * it page by page: with 1 MB, five times the CPU of the rest.  A backend that
 * has such calls keeps the memory.
 */
static void
keep_memory(size_t len)
{
#ifdef __GLIBC__
	static bool kept;

	if (kept || len < LARGE_PACKET)
		return;
	kept = true;
	(void) mallopt(M_MMAP_THRESHOLD, KEPT_CHUNK);
	(void) mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
#endif
}

void
wire_send(Wire *wire, const char *bytes, size_t len)
{
	keep_memory(len);
	while (len > 0)
	{
		/* A backend ignores SIGPIPE. */
		ssize_t sent = send(wire->socket, bytes, len, 0);

		if (sent > 0)
		{
			bytes += sent;
			len -= sent;
		}
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			(void) wire_wait(wire, WL_SOCKET_WRITEABLE);
		else if (errno != EINTR)
		{
			wire_lose(wire, errno);
			wire_fail_closed(wire);
		}
	}
}

static int
buffer_size(const Wire *wire)
{
	int size = 0;
	socklen_t len = sizeof(size);

	if (getsockopt(wire->socket, SOL_SOCKET, SO_SNDBUF, &size, &len) < 0)
		return INT_MAX;
	return size;
}

static bool
has_room(const Wire *wire, int wanted)
{
	int queued = 0;

	return ioctl(wire->socket, SIOCOUTQ, &queued) < 0 ||
		   wanted <= buffer_size(wire) - queued;
}

/* The kernel counts its own structures, too; twice the bytes is enough. */
void
wire_reserve(Wire *wire, size_t len)
{
	int wanted = (int) (2 * len);

	if (!has_room(wire, wanted))
		(void) setsockopt(wire->socket, SOL_SOCKET, SO_SNDBUF, &wanted,
						  sizeof(wanted));
	if (wanted > buffer_size(wire))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the kernel does not take %zu bytes for %s at once",
						len, wire->peer),
				 errhint("Raise its net.core.wmem_max to as much.")));
	while (!has_room(wire, wanted))
		wire_pause(wire, ROOM_PAUSE_MS);
}

/* The kernel would take one more packet for a peer that has closed. */
static bool
has_hung_up(const Wire *wire)
{
	struct pollfd peer = {.fd = wire->socket, .events = POLLRDHUP};

	return poll(&peer, 1, 0) > 0;
}

static bool
give_up(Wire *wire, int error)
{
	wire_lose(wire, error);
	(void) shutdown(wire->socket, SHUT_RDWR);
	return false;
}

bool
wire_push(Wire *wire, const char *bytes, size_t len)
{
	if (has_hung_up(wire))
		return give_up(wire, 0);
	while (len > 0)
	{
		ssize_t sent = send(wire->socket, bytes, len, 0);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return give_up(wire, errno);
		bytes += sent;
		len -= sent;
	}
	return true;
}

/*
 * Receive what is there; returns how much, and 0 when there is nothing, for
 * the moment or, if wire->closed is set, for ever.
 */
static size_t
receive(Wire *wire, char *bytes, size_t len)
{
	ssize_t got = recv(wire->socket, bytes, len, 0);

	if (got > 0)
		return (size_t) got;
	if (got == 0)
		wire_lose(wire, 0);
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		wire_lose(wire, errno);
	return 0;
}

/* Like receive, into the buffer. */
static bool
fill(Wire *wire)
{
	size_t got;

	if (wire->start > 0)
	{
		wire->end -= wire->start;
		memmove(wire->buffer, wire->buffer + wire->start, wire->end);
		wire->start = 0;
	}
	got = receive(wire, wire->buffer + wire->end, WIRE_BUFFER - wire->end);
	wire->end += got;
	return got > 0;
}

/* Take what the buffer has of it. */
static size_t
take(Wire *wire, char *bytes, size_t len)
{
	size_t taken = Min(len, wire->end - wire->start);

	memcpy(bytes, wire->buffer + wire->start, taken);
	wire->start += taken;
	return taken;
}

void
wire_read(Wire *wire, char *bytes, size_t len)
{
	while (len > 0)
	{
		size_t got = take(wire, bytes, len);

		if (got == 0 && len >= WIRE_BUFFER)
			got = receive(wire, bytes, len);
		else if (got == 0 && fill(wire))
			continue;
		bytes += got;
		len -= got;
		if (got == 0 && wire->closed)
			wire_fail_closed(wire);
		if (got == 0)
			(void) wire_wait(wire, WL_SOCKET_READABLE);
		wire_check(wire);
	}
}

/* The length of the packet whose first bytes the buffer has. */
static uint32
packet_size(const Wire *wire, int head)
{
	const char *bytes = wire->buffer + wire->start;
	uint32 size32;
	uint16 size16;

	if (head == sizeof(size16))
	{
		memcpy(&size16, bytes, sizeof(size16));
		return pg_ntoh16(size16);
	}
	memcpy(&size32, bytes, sizeof(size32));
	return pg_ntoh32(size32);
}

/* All of a packet, or the length of one that the buffer cannot hold. */
static bool
has_packet(const Wire *wire, int head)
{
	uint32 there = wire->end - wire->start;
	uint32 size;

	if (there < (uint32) head)
		return false;
	size = packet_size(wire, head);
	return size > (uint32) (WIRE_BUFFER - head) || size <= there - head;
}

bool
wire_poll(Wire *wire, int head)
{
	while (!has_packet(wire, head))
		if (!fill(wire))
			return false;
	return true;
}

bool
wire_await(Wire *wire, int head)
{
	while (!wire_poll(wire, head))
	{
		if (wire->closed)
			return false;
		(void) wire_wait(wire, WL_SOCKET_READABLE);
		wire_check(wire);
	}
	return true;
}

char *
wire_receive(Wire *wire, int head, size_t *len)
{
	uint32 size;
	char *packet;

	wire_check(wire);
	if (!wire_await(wire, head))
		wire_fail_closed(wire);
	size = packet_size(wire, head);
	if (size > wire->max_packet)
		ereport(ERROR,
				(errcode(wire_error_code(wire, ERRCODE_PROGRAM_LIMIT_EXCEEDED)),
				 errmsg("%s sent %u bytes at once, at most %u are "
						"accepted",
						wire->peer, size, wire->max_packet)));
	wire->start += head;
	keep_memory(size);
	packet = palloc((Size) size + 1);
	wire_read(wire, packet, size);
	packet[size] = '\0';
	*len = size;
	return packet;
}
