/*
 * node_connection.c
 *		The connections of this backend to nodes.
 *
 * A backend without a command cannot answer ticks, and a node that misses them
 * reports us as dead.  So a timer shuts idle connections down before; the next
 * call sees that before it has sent anything, and connects again.
 */
#include "postgres.h"

#include <ctype.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "beam/greet.h"
#include "beam/node.h"
#include "beam/packet.h"
#include "beam/settings.h"
#include "compat/backend.h"

/* What a reply has around the value that is bounded. */
#define REPLY_ENVELOPE 4096

/* Old nodes used small numbers. */
#define LEAST_CREATION 4

/* For the signal handler, and for our names. */
static BeamNode *volatile connected[MAX_NODES];

static TimeoutId idle_timer;
static int64 idle_fires; /* when; 0: it does not */

/* Safe in a signal handler, in which it also runs. */
static void
arm_idle_timer(int delay_ms)
{
	idle_fires = wire_now() + (int64) delay_ms * 1000;
	enable_timeout_after(idle_timer, delay_ms);
}

/*
 * The handler: shut down what has been idle, and come back for the rest.  Only
 * the kernel is told, so this may happen anywhere but in a call.
 */
static void
shut_idle(void)
{
	int64 now = wire_now();
	int64 limit = (int64) erlang.idle_timeout * 1000;
	int64 next = -1;
	int saved_errno = errno;

	for (int i = 0; i < MAX_NODES; i++)
	{
		BeamNode *node = connected[i];
		int64 left;

		if (node == NULL)
			continue;
		left = node->wire->busy || node->committing
				   ? limit
				   : node->last_used + limit - now;
		if (left <= 0)
			shutdown(node->wire->socket, SHUT_RDWR);
		else if (next < 0 || left < next)
			next = left;
	}
	idle_fires = 0;
	if (next >= 0)
		arm_idle_timer((int) (next / 1000 + 1));
	errno = saved_errno;
}

static bool
is_connected(void)
{
	for (int i = 0; i < MAX_NODES; i++)
		if (connected[i] != NULL)
			return true;
	return false;
}

/* An ERROR has disabled all timers. */
static void
restore_idle_timer(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT && is_connected())
		arm_idle_timer(erlang.idle_timeout);
}

/* Close the connection that was used least lately. */
static void
close_one(void)
{
	BeamNode *oldest = NULL;

	for (int i = 0; i < MAX_NODES; i++)
		if (connected[i] != NULL &&
			(oldest == NULL || connected[i]->last_used < oldest->last_used))
			oldest = connected[i];
	node_close(oldest);
}

/* The first place that is free, after making room. */
static int
find_place(void)
{
	int place = MAX_NODES;
	int count = 0;

	for (int i = MAX_NODES - 1; i >= 0; i--)
	{
		if (connected[i] != NULL)
			count++;
		else
			place = i;
	}
	if (count < erlang.max_nodes)
		return place;
	close_one();
	return find_place();
}

/* Of a name, what cannot be misread in one of a node. */
static char *
plain(const char *text)
{
	char *copy = pnstrdup(text, 60);

	for (char *p = copy; *p != '\0'; p++)
		if (!isalnum((unsigned char) *p) && *p != '_' && *p != '.')
			*p = '-';
	return copy;
}

static void
write_name(char *name, int place)
{
	char host[64] = "localhost";
	const char *cluster = *cluster_name != '\0'
							  ? plain(cluster_name)
							  : psprintf("%d", PostPortNumber);
	char *suffix = place > 0 ? psprintf("-%d", place) : "";

	(void) gethostname(host, sizeof(host));
	host[sizeof(host) - 1] = '\0';
	snprintf(name, DIST_NAME_MAX + 1, "pg-%s-%d%s@%s", cluster,
			 backend_number(), suffix, plain(host));
}

const char *
node_longest_name(void)
{
	static char name[DIST_NAME_MAX + 1];

	if (*name == '\0')
		write_name(name, MAX_NODES - 1);
	return name;
}

static void
name_ourselves(BeamNode *node)
{
	write_name(node->our_name, node->place);
	if (!pg_strong_random(&node->creation, sizeof(node->creation)))
		elog(ERROR, "no random numbers");
	node->creation |= LEAST_CREATION;
}

int
node_max_reply(const BeamNode *node)
{
	return node->target->max_reply >= 0 ? node->target->max_reply
										: erlang.max_reply;
}

static void
start(void)
{
	static bool started = false;

	if (!started)
	{
		idle_timer = RegisterTimeout(USER_TIMEOUT, shut_idle);
		RegisterXactCallback(restore_idle_timer, NULL);
	}
	started = true;
}

/* However it ends, no copy of the cookie is left in memory. */
static void
greet(BeamNode *node, WireDeadline deadline)
{
	WireDeadline greeting = wire_deadline(node->target->connect_timeout_ms);
	char *cookie = node->cookie != NULL ? pstrdup(node->cookie)
										: target_cookie(node->target);

	if (deadline.at < greeting.at)
		greeting = deadline;
	PG_TRY();
	{
		node->wire = greet_node(node->target, node->our_name, node->creation,
								cookie, greeting);
	}
	PG_FINALLY();
	{
		explicit_bzero(cookie, strlen(cookie));
		pfree(cookie);
	}
	PG_END_TRY();
}

static void
open_connection(BeamNode *node, WireDeadline deadline)
{
	start();
	node->place = find_place();
	name_ourselves(node);
	greet(node, deadline);
	node->since = GetCurrentTimestamp();
	node->leader_known = false;
	node->leader_len = 0;
	connected[node->place] = node;
}

/* What came while nobody waited: ticks, and what is for calls that ended. */
static bool
is_usable(BeamNode *node)
{
	if (node->wire == NULL || node->wire->busy)
		return false;
	while (wire_poll(node->wire, PACKET_HEAD))
	{
		size_t len;

		pfree(wire_receive(node->wire, PACKET_HEAD, &len));
	}
	return !node->wire->closed;
}

void
node_connect(BeamNode *node, WireDeadline deadline)
{
	if (node->wire != NULL)
		node->wire->deadline = deadline;
	if (!is_usable(node))
	{
		node_close(node);
		open_connection(node, deadline);
	}
	node->wire->max_packet = (uint32) node_max_reply(node) + REPLY_ENVELOPE;
	node_used(node);
}

/* A timer that fires too late is set anew, as is one that an ERROR undid. */
void
node_used(BeamNode *node)
{
	int64 limit = (int64) erlang.idle_timeout * 1000;

	node->last_used = wire_now();
	if (idle_fires < node->last_used || idle_fires > node->last_used + limit)
		arm_idle_timer(erlang.idle_timeout);
}

void
node_close(BeamNode *node)
{
	Wire *wire = node->wire;

	if (wire == NULL)
		return;
	connected[node->place] = NULL; /* first, for the signal handler */
	node->wire = NULL;
	wire_close(wire);
}

void
node_fail(BeamNode *node)
{
	MemoryContext context =
		AllocSetContextCreate(node->context, "error", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	if (node->last_error != NULL)
		pfree(node->last_error);
	node->last_error =
		MemoryContextStrdup(TopMemoryContext, CopyErrorData()->message);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	node_close(node);
}
