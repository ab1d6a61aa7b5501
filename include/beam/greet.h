/*
 * greet.h
 *		Find a node, connect to it and prove that the cookie is known.
 *
 * All errors are 08001: nothing has been asked of the node yet.
 */
#ifndef ETF_GREET_H
#define ETF_GREET_H

#include "beam/servers.h"
#include "beam/wire.h"

extern Wire *greet_node(const NodeTarget *target, const char *our_name,
						uint32 creation, const char *cookie,
						WireDeadline deadline);

#endif
