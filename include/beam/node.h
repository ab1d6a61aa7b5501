/*
 * node.h
 *		The Erlang nodes that this backend calls, and its connections to them.
 *
 *		BeamNode *node = node_find("shop");
 *
 *		node_connect(node, deadline);
 *		... node->wire ...
 *
 * A BeamNode is kept for each name and role; it is never moved.  It is freed by
 * node_forget, and where there are many, once it is of no use: without a
 * connection, a cookie or a message, in a later transaction than the one that
 * found it.  Its connection comes and goes: made when
 * it is needed, closed after erlang.idle_timeout_ms without a call, after an
 * ERROR in mid-call, after a change of the server or a mapping, and where
 * erlang.max_nodes others are needed.
 *
 * We are a hidden node, "pg-5432-17@db1": of the name are the cluster or its
 * port, the number of the backend and, where it has several, that of the
 * connection.  Such names are few, because a node never forgets one.
 */
#ifndef ETF_NODE_H
#define ETF_NODE_H

#include "datatype/timestamp.h"

#include "beam/servers.h"
#include "beam/wire.h"
#include "common/dist/control.h"
#include "common/dist/handshake.h"

typedef struct NodeKey
{
	Oid user;
	char name[DIST_NAME_MAX + 1]; /* as SQL has it */
} NodeKey;

typedef struct BeamNode
{
	NodeKey key;
	MemoryContext context; /* of the target */
	NodeTarget *target;
	uint64 changes;	   /* of the catalogs that the target knows of */
	char *cookie;	   /* that of erlang_connect, or NULL */
	char *displaced;   /* the one before, until that is settled */
	Wire *wire;		   /* NULL: not connected */
	int place;		   /* among the connections of the backend */
	TimestampTz found; /* the start of the transaction that did last */
	int64 last_used;   /* of wire_now */
	TimestampTz since; /* when the connection was made */
	int64 calls;
	int pending;	  /* messages that wait for the commit */
	bool committing;  /* they have their room in the kernel */
	char *last_error; /* or NULL */

	/* Of the connection: our name, and the node's group leader. */
	char our_name[DIST_NAME_MAX + 1];
	uint32 creation;
	uint32 serial; /* of the latest call */
	bool leader_known;
	uint8 leader[DIST_IDENTIFIER_MAX];
	size_t leader_len; /* 0: it has none */
} BeamNode;

/* After target_find and target_check_usage, see servers.h. */
extern BeamNode *node_find(const char *name);

/*
 * The same, with a cookie for the rest of the session, unless it is settled
 * that the node does not accept it: then the one before is back.
 */
extern BeamNode *node_find_with_cookie(const char *name, const char *cookie);
extern void node_settle_cookie(BeamNode *node, bool accepted);

/* One that node_find has returned before; else NULL. */
extern BeamNode *node_known(const char *name);

/*
 * Make sure that a connection is there on which nothing is due.  What came
 * meanwhile is dropped.
 */
extern void node_connect(BeamNode *node, WireDeadline deadline);

/* No connection of this backend has a longer one for us. */
extern const char *node_longest_name(void);

/* The bytes that a call and its reply may have. */
extern int node_max_reply(const BeamNode *node);

/* Called when a request is done: the time to idle begins. */
extern void node_used(BeamNode *node);

extern void node_close(BeamNode *node);

/* Close it for the error that is being handled, and remember that. */
extern void node_fail(BeamNode *node);

/* Close and forget; its cookie, too. */
extern void node_forget(BeamNode *node);

/* Those of the present role. */
extern List *node_list(void);

#endif
