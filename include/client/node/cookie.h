/*
 * cookie.h
 *		The secret of Erlang nodes, from a file.
 */
#ifndef ETF_COOKIE_H
#define ETF_COOKIE_H

#include "client/base/failure.h"
#include "common/dist/handshake.h"

/* Read it from "path"; NULL: where Erlang has it.  False: see "failure". */
extern bool cookie_read(const char *path, char cookie[DIST_COOKIE_MAX + 1],
						Failure *failure);

/* What shows that the cookie is known.  False: MD5 is forbidden here. */
extern bool cookie_digest(const char *cookie, uint32_t challenge,
						  uint8_t digest[DIST_DIGEST_SIZE]);

#endif
