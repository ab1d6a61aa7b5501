/*
 * tcp.c
 *		A connection before anything streams: each step has a time limit.
 *
 * Below greet.c.  Names are looked up as libpq does it, without a limit.
 */
#include "client/node/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/base/clock.h"

static bool
wait_for(int fd, short events, int64_t until)
{
	for (;;)
	{
		struct pollfd one = {.fd = fd, .events = events};
		int64_t left = until - clock_ms();
		int ready;

		if (left <= 0)
		{
			errno = ETIMEDOUT;
			return false;
		}
		ready = poll(&one, 1, (int) left);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return false;
	}
}

static bool
connect_socket(int fd, const struct addrinfo *address, int64_t until)
{
	int error = 0;
	socklen_t len = sizeof(error);

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return true;
	if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, until))
		return false;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	errno = error;
	return error == 0;
}

static int
open_address(const struct addrinfo *address, int64_t until)
{
	int fd = socket(address->ai_family, SOCK_STREAM, 0);
	int error;

	if (fd < 0 || connect_socket(fd, address, until))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* One that does not answer must leave time for the others. */
int
tcp_open(const char *host, int port, int64_t until, const char **what)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *all;
	char service[12];
	int fd = -1;
	int left = 0;
	int error;

	snprintf(service, sizeof(service), "%d", port);
	error = getaddrinfo(host, service, &hints, &all);
	if (error != 0)
	{
		*what = gai_strerror(error);
		return -1;
	}
	for (const struct addrinfo *one = all; one != NULL; one = one->ai_next)
		left++;
	for (const struct addrinfo *one = all; one != NULL && fd < 0;
		 one = one->ai_next)
	{
		int64_t now = clock_ms();

		fd = open_address(one, now + (until - now) / left--);
	}
	*what = strerror(errno);
	freeaddrinfo(all);
	return fd;
}

bool
tcp_read(int fd, void *bytes, size_t len, int64_t until)
{
	char *place = bytes;

	while (len > 0)
	{
		ssize_t got = recv(fd, place, len, 0);

		if (got == 0)
			errno = ECONNRESET;
		if (got == 0 || (got < 0 && (errno != EAGAIN && errno != EINTR)))
			return false;
		if (got < 0 && !wait_for(fd, POLLIN, until))
			return false;
		place += got > 0 ? got : 0;
		len -= got > 0 ? (size_t) got : 0;
	}
	return true;
}

/* All that is written here is small: it fits, or nobody reads. */
bool
tcp_write(int fd, const void *bytes, size_t len, int64_t until)
{
	if (!wait_for(fd, POLLOUT, until))
		return false;
	return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t) len;
}

void
tcp_close(int fd, int64_t until)
{
	char byte[256];

	shutdown(fd, SHUT_WR);
	while (wait_for(fd, POLLIN, until) && recv(fd, byte, sizeof(byte), 0) > 0)
		continue;
	close(fd);
}
