/*
 * greet.c
 *		Find a node, connect to it and prove that the cookie is known.
 *
 * Between node.c, which keeps the connection, and dist_handshake.c, which knows
 * the bytes.  It waits, with a limit: nothing streams yet.
 */
#include "client/node/greet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/base/clock.h"
#include "client/node/cookie.h"
#include "client/node/tcp.h"

#define EPMD_PORT 4369

/* The longest message that is accepted; real ones are shorter. */
#define MAX_MESSAGE 1024

typedef struct Greeting
{
	const Peer *peer;
	int fd;
	int64_t until;
	Failure *failure;
	uint8_t message[MAX_MESSAGE]; /* the latest that came */
	size_t len;
} Greeting;

static bool
fail(Greeting *greeting, FailureClass class, const char *what, const char *hint)
{
	failure_set(greeting->failure, class, "node %s: %s", greeting->peer->node,
				what);
	if (hint != NULL)
		failure_hint(greeting->failure, "%s", hint);
	return false;
}

static bool
lost(Greeting *greeting)
{
	return fail(greeting, FAIL_NETWORK,
				errno == ETIMEDOUT	  ? "no answer to our greeting"
				: errno == ECONNRESET ? "it closed the connection"
									  : strerror(errno),
				"The node is stopped or overloaded, or what answers there is "
				"something else.");
}

bool
greet_random(uint32_t *number)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	bool done = fd >= 0 && read(fd, number, sizeof(*number)) == sizeof(*number);

	if (fd >= 0)
		close(fd);
	return done;
}

/* As Erlang finds it. */
static int
epmd_port(void)
{
	const char *text = getenv("ERL_EPMD_PORT");
	int port = text != NULL ? atoi(text) : 0;

	return port > 0 && port <= UINT16_MAX ? port : EPMD_PORT;
}

static bool
epmd_failed(Greeting *greeting, const char *host, const char *what)
{
	failure_set(greeting->failure, FAIL_NETWORK, "EPMD at %s, port %d: %s",
				host, epmd_port(), what);
	failure_hint(greeting->failure,
				 "Every host with Erlang nodes runs EPMD: check the host, "
				 "firewalls, and ERL_EPMD_PORT if it is not 4369.");
	return false;
}

static bool
ask_epmd(Greeting *greeting, const char *host, int fd, uint16_t *port)
{
	const char *node = greeting->peer->node;
	uint8_t request[DIST_MESSAGE_MAX];
	uint8_t answer[EPMD_ANSWER_SIZE];
	size_t len = epmd_write_request(request, node, (size_t) (host - 1 - node));

	if (!tcp_write(fd, request, len, greeting->until) ||
		!tcp_read(fd, answer, EPMD_FAILURE_SIZE, greeting->until))
		return epmd_failed(greeting, host,
						   errno == ETIMEDOUT ? "no answer" : strerror(errno));
	if (answer[1] == 0 &&
		tcp_read(fd, answer + EPMD_FAILURE_SIZE,
				 EPMD_ANSWER_SIZE - EPMD_FAILURE_SIZE, greeting->until) &&
		epmd_read_answer(answer, EPMD_ANSWER_SIZE, port))
		return true;
	return fail(greeting, FAIL_NETWORK, "EPMD there does not know it",
				"The node is down, or was started without -name or -sname.");
}

static bool
find_port(Greeting *greeting, const char *host, uint16_t *port)
{
	const char *what;
	int fd = tcp_open(host, epmd_port(), greeting->until, &what);
	bool found;

	if (fd < 0)
		return epmd_failed(greeting, host, what);
	found = ask_epmd(greeting, host, fd, port);
	close(fd);
	return found;
}

/* Messages of the handshake stand behind two bytes of length. */
static bool
next_message(Greeting *greeting)
{
	uint8_t head[2];

	if (!tcp_read(greeting->fd, head, sizeof(head), greeting->until))
		return false;
	greeting->len = (size_t) head[0] << 8 | head[1];
	errno = EMSGSIZE;
	return greeting->len <= MAX_MESSAGE &&
		   tcp_read(greeting->fd, greeting->message, greeting->len,
					greeting->until);
}

static bool
say(Greeting *greeting, const uint8_t *message, size_t len)
{
	return tcp_write(greeting->fd, message, len, greeting->until) ||
		   lost(greeting);
}

/* Where a predecessor of our name seems to live, we take its place. */
static bool
introduce(Greeting *greeting, uint32_t creation)
{
	uint8_t message[DIST_MESSAGE_MAX];
	DistStatus status;

	if (!say(greeting, message,
			 dist_write_name(message, greeting->peer->our_name, creation)))
		return false;
	if (!next_message(greeting))
		return lost(greeting);
	if (!dist_read_status(greeting->message, greeting->len, &status))
		return fail(greeting, FAIL_NETWORK,
					"what answers there is no Erlang node", NULL);
	if (status == DIST_REFUSED)
		return fail(greeting, FAIL_AUTH, "it refuses the connection",
					"See net_kernel:allow/1 there.");
	return status != DIST_ALIVE ||
		   say(greeting, message, dist_write_true(message));
}

static bool
read_challenge(Greeting *greeting, DistChallenge *challenge)
{
	char what[DIST_NAME_MAX + 32];

	if (!next_message(greeting))
		return lost(greeting);
	if (!dist_read_challenge(greeting->message, greeting->len, challenge) ||
		!dist_flags_suffice(challenge->flags))
		return fail(greeting, FAIL_CONFIG, "it is older than OTP 23",
					"Upgrade Erlang/OTP there.");
	snprintf(what, sizeof(what), "the node there is %s", challenge->name);
	return strcmp(challenge->name, greeting->peer->node) == 0 ||
		   fail(greeting, FAIL_CONFIG, what, "Use this name in --to.");
}

/* Each side shows that it knows the cookie, and does not show the cookie. */
static bool
prove(Greeting *greeting, const char *cookie, uint32_t theirs)
{
	uint8_t message[DIST_MESSAGE_MAX];
	uint8_t digest[DIST_DIGEST_SIZE];
	uint8_t answer[DIST_DIGEST_SIZE];
	uint32_t ours;

	if (!greet_random(&ours) || !cookie_digest(cookie, theirs, digest))
		return fail(greeting, FAIL_INTERNAL, "MD5 is not available here",
					"Nodes prove by MD5 that they know a cookie, which OpenSSL "
					"in FIPS mode forbids.");
	if (!say(greeting, message, dist_write_answer(message, ours, digest)))
		return false;
	if (!next_message(greeting))
		return errno != ECONNRESET
				   ? lost(greeting)
				   : fail(greeting, FAIL_AUTH, "it does not accept the cookie",
						  "The cookie in the file must be that of the node: "
						  "erlang:get_cookie() there.");
	return (cookie_digest(cookie, ours, digest) &&
			dist_read_answer(greeting->message, greeting->len, answer) &&
			memcmp(answer, digest, sizeof(digest)) == 0) ||
		   fail(greeting, FAIL_AUTH, "it does not know the cookie",
				"Something else than the node may answer there.");
}

static bool
shake_hands(Greeting *greeting, uint32_t creation)
{
	char cookie[DIST_COOKIE_MAX + 1];
	DistChallenge theirs;

	return cookie_read(greeting->peer->cookie_file, cookie,
					   greeting->failure) &&
		   introduce(greeting, creation) && read_challenge(greeting, &theirs) &&
		   prove(greeting, cookie, theirs.challenge);
}

int
greet_node(const Peer *peer, uint32_t creation, int64_t timeout_ms,
		   Failure *failure)
{
	Greeting greeting = {
		.peer = peer, .until = clock_ms() + timeout_ms, .failure = failure};
	const char *host = strchr(peer->node, '@') + 1;
	const char *what;
	uint16_t port;

	if (!find_port(&greeting, host, &port))
		return -1;
	greeting.fd = tcp_open(host, port, greeting.until, &what);
	if (greeting.fd < 0)
	{
		fail(&greeting, FAIL_NETWORK, what, NULL);
		return -1;
	}
	if (shake_hands(&greeting, creation))
		return greeting.fd;
	close(greeting.fd);
	return -1;
}
