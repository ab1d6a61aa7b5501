/*
 * servers.h
 *		Which node a name in SQL stands for, and who may do what with it.
 *
 * A name is that of a foreign server of the wrapper "erlang", or that of the
 * node itself, with an "@".  A server says where the node is, its user
 * mappings have the cookie, USAGE and the option "allow" are the rights.  A
 * node by its own name is for superusers, and for who gave its cookie in this
 * session.
 */
#ifndef ETF_SERVERS_H
#define ETF_SERVERS_H

#include "nodes/pg_list.h"

typedef struct NodeTarget
{
	Oid server;	 /* InvalidOid: the name is the node's */
	char *node;	 /* "shop@db1" */
	char *label; /* "node shop@db1" */
	char *host;	 /* where it is: hostaddr, or what stands behind the @ */
	int port;	 /* 0: EPMD knows */
	bool restricted;
	List *allow; /* if restricted: of EtfPattern, a module and a function */
	int connect_timeout_ms;
	int call_timeout_ms; /* -1: as erlang.call_timeout_ms says; likewise ... */
	int max_reply;		 /* ... bytes, erlang.max_reply_bytes */
} NodeTarget;

/* In the current context.  42704 for a name that nothing has. */
extern NodeTarget *target_find(const char *name);

/*
 * All of these raise 42501.  "cookie_given": the caller has named the cookie,
 * so that no other right to a node is needed.
 */
extern void target_check_usage(const NodeTarget *target, bool cookie_given);
extern void target_check_call(const NodeTarget *target, const char *module,
							  const char *function);
extern void target_check_send(const NodeTarget *target, const char *name);

/* Of the present role.  The caller wipes it.  28000 where there is none. */
extern char *target_cookie(const NodeTarget *target);

#endif
