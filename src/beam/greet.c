/*
 * greet.c
 *		Find a node, connect to it and prove that the cookie is known.
 *
 * Between node.c, which keeps what comes of it, and dist/handshake.c, which
 * knows the bytes.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "beam/greet.h"
#include "common/dist/handshake.h"
#include "compat/backend.h"

#define EPMD_PORT 4369

/* Messages of the handshake stand behind two bytes of length. */
#define HEAD 2

/* The longest that is accepted; real ones are shorter. */
#define MAX_MESSAGE 1024

static void
fail_greeting(const NodeTarget *target, const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
			 errmsg("could not connect to %s: %s", target->label, what),
			 hint != NULL ? errhint("%s", hint) : 0));
}

/* As Erlang finds it. */
static int
epmd_port(void)
{
	const char *text = getenv("ERL_EPMD_PORT");
	int port = text != NULL ? atoi(text) : 0;

	return port > 0 && port <= 65535 ? port : EPMD_PORT;
}

static bool
ask_epmd(Wire *wire, const NodeTarget *target, uint16 *port)
{
	uint8 request[DIST_MESSAGE_MAX];
	uint8 answer[EPMD_ANSWER_SIZE];
	size_t alive_len = strchr(target->node, '@') - target->node;

	wire_send(wire, (char *) request,
			  epmd_write_request(request, target->node, alive_len));
	wire_read(wire, (char *) answer, EPMD_FAILURE_SIZE);
	if (answer[1] != 0)
		return false;
	wire_read(wire, (char *) answer + EPMD_FAILURE_SIZE,
			  EPMD_ANSWER_SIZE - EPMD_FAILURE_SIZE);
	return epmd_read_answer(answer, EPMD_ANSWER_SIZE, port);
}

/* Called while an ERROR is made: what helps where EPMD does not answer. */
static void
add_epmd_hint(void *arg)
{
	if (geterrcode() == ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION)
		errhint("EPMD knows the ports of nodes. If it listens elsewhere, set "
				"ERL_EPMD_PORT in the environment of the PostgreSQL server; "
				"without it, set option \"port\" of the foreign server to the "
				"port of the node itself.");
}

static bool
ask_epmd_at(const char *peer, const NodeTarget *target, uint16 *port,
			WireDeadline deadline)
{
	Wire *wire = wire_open_tcp(peer, target->host, epmd_port(), deadline);
	volatile bool found = false;

	PG_TRY();
	{
		found = ask_epmd(wire, target, port);
	}
	PG_FINALLY();
	{
		wire_close(wire);
	}
	PG_END_TRY();
	return found;
}

static int
find_port(const NodeTarget *target, WireDeadline deadline)
{
	ErrorContextCallback hint = {error_context_stack, add_epmd_hint, NULL};
	char *peer;
	uint16 port = 0;
	bool found;

	if (target->port != 0)
		return target->port;
	peer = psprintf("EPMD at %s:%d", target->host, epmd_port());
	error_context_stack = &hint;
	found = ask_epmd_at(peer, target, &port, deadline);
	error_context_stack = hint.previous;
	if (!found)
		fail_greeting(target, psprintf("%s does not know it", peer),
					  "The node is down, is not distributed, or is known to "
					  "another EPMD: compare ERL_EPMD_PORT there and in the "
					  "environment of the PostgreSQL server, or set option "
					  "\"port\" of the foreign server to the port of the node "
					  "itself.");
	return port;
}

static void
digest(const NodeTarget *target, const char *cookie, uint32 challenge,
	   uint8 result[DIST_DIGEST_SIZE])
{
	uint8 input[DIST_DIGEST_INPUT_MAX];
	size_t len = dist_digest_input(input, cookie, challenge);
	bool done = md5_digest(input, len, result);

	explicit_bzero(input, sizeof(input));
	if (!done)
		fail_greeting(target, "MD5 is not available here",
					  "Erlang nodes prove that they know a cookie by MD5, "
					  "which OpenSSL in FIPS mode forbids.");
}

static uint8 *
next_message(Wire *wire, size_t *len)
{
	return (uint8 *) wire_receive(wire, HEAD, len);
}

/* Where a predecessor of our name seems to live, we take its place. */
static void
introduce(Wire *wire, const NodeTarget *target, const char *our_name,
		  uint32 creation)
{
	uint8 message[DIST_MESSAGE_MAX];
	DistStatus status;
	size_t len;
	uint8 *answer;

	wire_send(wire, (char *) message,
			  dist_write_name(message, our_name, creation));
	answer = next_message(wire, &len);
	if (!dist_read_status(answer, len, &status))
		fail_greeting(target, "what answers there is no Erlang node", NULL);
	if (status == DIST_REFUSED)
		fail_greeting(target, "it refuses the connection",
					  "See net_kernel:allow/1 there.");
	if (status == DIST_ALIVE)
		wire_send(wire, (char *) message, dist_write_true(message));
	pfree(answer);
}

static void
read_challenge(Wire *wire, const NodeTarget *target, DistChallenge *challenge)
{
	size_t len;
	uint8 *message = next_message(wire, &len);

	if (!dist_read_challenge(message, len, challenge))
		fail_greeting(target, "its greeting is not that of OTP 23 or later",
					  NULL);
	if (strcmp(challenge->name, target->node) != 0)
		fail_greeting(target, psprintf("the node there is %s", challenge->name),
					  NULL);
	if (!dist_flags_suffice(challenge->flags))
		fail_greeting(target, "it is older than OTP 23", NULL);
	pfree(message);
}

/* Each side shows that it knows the cookie, and does not show the cookie. */
static void
authenticate(Wire *wire, const NodeTarget *target, const char *cookie)
{
	uint8 message[DIST_MESSAGE_MAX];
	uint8 wanted[DIST_DIGEST_SIZE];
	uint8 answer[DIST_DIGEST_SIZE];
	DistChallenge theirs;
	uint32 ours;
	size_t len;
	uint8 *packet;

	read_challenge(wire, target, &theirs);
	if (!pg_strong_random(&ours, sizeof(ours)))
		fail_greeting(target, "there are no random numbers", NULL);
	digest(target, cookie, theirs.challenge, answer);
	wire_send(wire, (char *) message, dist_write_answer(message, ours, answer));
	digest(target, cookie, ours, wanted);
	if (!wire_await(wire, HEAD))
		fail_greeting(target, "it does not accept the cookie",
					  "The cookie here must be that of the node.");
	packet = next_message(wire, &len);
	if (!dist_read_answer(packet, len, answer) ||
		memcmp(answer, wanted, sizeof(wanted)) != 0)
		fail_greeting(target, "it does not know the cookie",
					  "Something else than the node may answer there.");
	pfree(packet);
}

Wire *
greet_node(const NodeTarget *target, const char *our_name, uint32 creation,
		   const char *cookie, WireDeadline deadline)
{
	int port = find_port(target, deadline);
	Wire *wire = wire_open_tcp(target->label, target->host, port, deadline);

	wire->max_packet = MAX_MESSAGE;
	PG_TRY();
	{
		introduce(wire, target, our_name, creation);
		authenticate(wire, target, cookie);
	}
	PG_CATCH();
	{
		wire_close(wire);
		PG_RE_THROW();
	}
	PG_END_TRY();
	wire->ready = true;
	return wire;
}
