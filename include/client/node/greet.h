/*
 * greet.h
 *		Find a node, connect to it and prove that the cookie is known.
 */
#ifndef ETF_CLIENT_GREET_H
#define ETF_CLIENT_GREET_H

#include "client/base/failure.h"
#include "common/dist/handshake.h"

typedef struct Peer
{
	char our_name[DIST_NAME_MAX + 1];
	char node[DIST_NAME_MAX + 1];
	char process[DIST_NAME_MAX + 1]; /* registered there */
	const char *cookie_file;		 /* NULL: Erlang's own */
} Peer;

/*
 * Connect, as "our_name" in its incarnation "creation".  Returns a socket that
 * does not block; -1: see "failure", which is FAIL_AUTH if the node closed the
 * connection where it would if it had another cookie.
 */
extern int greet_node(const Peer *peer, uint32_t creation, int64_t timeout_ms,
					  Failure *failure);

/* A number that nobody can foresee.  False: there are none. */
extern bool greet_random(uint32_t *number);

#endif
