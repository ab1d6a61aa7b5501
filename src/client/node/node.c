/*
 * node.c
 *		The client as an Erlang node that writes to a registered process.
 *
 * One connection after the other, each with an engine of its own: when one ends
 * so does the other, and what was not acknowledged belongs to the next.
 */
#include "client/node/node.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/node/dialog.h"
#include "common/backoff.h"

/* Old nodes used small numbers. */
#define LEAST_CREATION 4

typedef struct Node
{
	Dialog dialog;
	Peer peer;
	const Settings *given;
	Backoff backoff;
	bool streamed; /* once: from now on a missing slot is an error */
	bool doubted;  /* the cookie, the last time */
} Node;

static void __attribute__((format(printf, 2, 3)))
say(const char *level, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: %s: ", PROGRAM_NAME, level);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* A connection and what comes of it.  False: it was the last, see "failure". */
static bool
talk(Node *node, int fd, Failure *failure)
{
	Dialog *dialog = &node->dialog;
	const Engine *engine = &dialog->beam.engine;
	bool again;

	if (!settings_copy(&dialog->beam.settings, node->given))
	{
		failure_set(failure, FAIL_INTERNAL, "out of memory");
		settings_free(&dialog->beam.settings);
		close(fd);
		return false;
	}
	dialog->beam.settings.placed = true;
	if (node->streamed)
		dialog->beam.settings.create = CREATE_NONE;
	say("info", "connected to %s as %s", node->peer.node, node->peer.our_name);
	dialog_run(dialog, fd);
	*failure = engine->failure;
	if (dialog_got_somewhere(dialog))
		backoff_reset(&node->backoff);
	node->streamed |= engine->stream.resumes;
	again = failure->class == FAIL_NONE && !loop_stop_requested() &&
			!engine->at_end;
	beam_free(&dialog->beam);
	return again;
}

static bool
attempt(Node *node, Failure *failure)
{
	Dialog *dialog = &node->dialog;
	int fd;

	dialog->sender.dialog++;
	if (!greet_random(&dialog->sender.creation))
	{
		failure_set(failure, FAIL_INTERNAL, "/dev/urandom: %s",
					strerror(errno));
		return false;
	}
	dialog->sender.creation |= LEAST_CREATION;
	fd = greet_node(&node->peer, dialog->sender.creation,
					(int64_t) node->given->connect_timeout, &dialog->lost);
	return fd < 0 || talk(node, fd, failure);
}

/*
 * A node that dies in the middle of the greeting looks like one with another
 * cookie, so that is asked twice.
 */
static bool
is_final(Node *node)
{
	FailureClass class = node->dialog.lost.class;
	bool doubt = class == FAIL_AUTH && !node->doubted;

	node->doubted = doubt;
	if (class == FAIL_NONE || doubt)
		return !node->given->reconnect;
	return !node->given->reconnect ||
		   failure_info(class)->policy == POLICY_STOP;
}

/* Where it was stopped from the other side there is nothing to complain of. */
static void
pause_before_next(Node *node)
{
	const Failure *lost = &node->dialog.lost;
	uint32_t delay = (uint32_t) node->given->reconnect_min;

	if (lost->class != FAIL_NONE)
	{
		delay = backoff_fail(&node->backoff, (uint32_t) random());
		say("warning", "%s; next attempt in %u ms", lost->message, delay);
	}
	poll(NULL, 0, (int) delay);
}

/* From a bounded set: a node never forgets a name. */
static bool
name_ourselves(char name[DIST_NAME_MAX + 1], const char *given,
			   const char *slot)
{
	char host[DIST_NAME_MAX + 1] = "localhost";
	bool whole = given != NULL && strchr(given, '@') != NULL;
	int len;

	gethostname(host, sizeof(host) - 1);
	len = snprintf(name, DIST_NAME_MAX + 1, "%s%s%s%s",
				   given != NULL ? "" : "pg_etf_", given != NULL ? given : slot,
				   whole ? "" : "@", whole ? "" : host);
	return len <= DIST_NAME_MAX && dist_name_is_valid(name);
}

static bool
name_peer(Peer *peer, const NodeOptions *options, const char *slot)
{
	const char *at = strchr(options->to, '@');

	snprintf(peer->process, sizeof(peer->process), "%.*s",
			 (int) (at - options->to), options->to);
	snprintf(peer->node, sizeof(peer->node), "%s", at + 1);
	peer->cookie_file = options->cookie_file;
	return name_ourselves(peer->our_name, options->name, slot);
}

void
node_stream(const Settings *settings, const NodeOptions *options,
			Failure *failure)
{
	static Node node;

	node.given = settings;
	node.dialog.given = settings;
	node.dialog.peer = &node.peer;
	node.dialog.sender.node = node.peer.our_name;
	backoff_init(&node.backoff, (uint32_t) settings->reconnect_min,
				 (uint32_t) settings->reconnect_max, 0);
	if (!name_peer(&node.peer, options, settings->slot))
	{
		failure_set(failure, FAIL_USAGE, "\"%s\" is no name of a node",
					node.peer.our_name);
		failure_hint(failure, "Give one with --node, such as pg@db1.");
		return;
	}
	while (attempt(&node, failure))
	{
		if (is_final(&node))
		{
			*failure = node.dialog.lost;
			return;
		}
		pause_before_next(&node);
	}
}
