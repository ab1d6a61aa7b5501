/*
 * remote.h
 *		Call a function of a node, or send to a process there.
 *
 *		RemoteCall call;
 *		TermOut *out = remote_begin_call(&call, "shop", "Shop", "price", 2);
 *
 *		... the list of two arguments ...
 *		reply = remote_call(&call, timeout_ms);
 *
 * A call is one of erpc's: a process of its own there, linked to us, so that
 * it ends when we go away: by a cancel, a time-out, the end of the backend.
 * It never runs a second time: what is lost once a byte was sent is an ERROR.
 *
 * Errors, besides those of wire.h, servers.h and fail.h:
 *		22023	a name that cannot be an atom
 *		39000	the node could not start the process
 *		54000	what is sent is longer than the node's max_reply
 */
#ifndef ETF_REMOTE_H
#define ETF_REMOTE_H

#include "lib/stringinfo.h"

#include "beam/fail.h"
#include "beam/node.h"
#include "plugin/host.h"

typedef struct RemoteCall
{
	BeamNode *node;
	StringInfoData packet;
	TermOut out;
	const char *function; /* as in errors: "Shop.price/2" */
} RemoteCall;

/*
 * The rights to do so are checked here.  A module that begins with a capital
 * is one of Elixir's.  The list of arguments is written behind.
 */
extern TermOut *remote_begin_call(RemoteCall *call, const char *node,
								  const char *module, const char *function,
								  int arity);

/*
 * What the function returned, in the current context.  "timeout_ms" is -1 for
 * the limit of the server, or else of erlang.call_timeout_ms.
 */
extern FailBytes remote_call(RemoteCall *call, int timeout_ms);

/* A message is written behind. */
extern TermOut *remote_begin_send(RemoteCall *call, const char *node,
								  const char *process);

/* To a registered name, ... */
extern void remote_send(RemoteCall *call, const char *process);

/* ... or to a pid, a term without its version. */
extern void remote_send_pid(RemoteCall *call, FailBytes pid);

/*
 * For after_commit.c: the name of a process as a term, how much a message to it
 * takes at most, and what remote_send would send behind "packets", for the
 * connection that there is now.
 */
extern DistTerm remote_name(const char *process);
extern Size remote_packed_max(DistTerm name, Size len);
extern void remote_pack(BeamNode *node, DistTerm name, const char *payload,
						Size len, StringInfo packets);

/* The message of a call that was begun, with its version byte. */
extern const char *remote_payload(const RemoteCall *call, Size *len);

/*
 * Be connected, and see that the node answers.  "timeout_ms" is as for calls,
 * but the server's connect_timeout in any case.
 */
extern void remote_ping(BeamNode *node);

#endif
