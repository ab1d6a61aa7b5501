/*
 * node.h
 *		The client as an Erlang node that writes to a registered process.
 */
#ifndef ETF_CLIENT_NODE_H
#define ETF_CLIENT_NODE_H

#include "client/base/failure.h"
#include "client/base/settings.h"
#include "client/node/node_options.h"

/*
 * Offer the stream to the process, again and again, until somebody stops this
 * or it fails for good: see "failure".
 */
extern void node_stream(const Settings *settings, const NodeOptions *options,
						Failure *failure);

#endif
