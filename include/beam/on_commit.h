/*
 * on_commit.h
 *		Asynchronous calls that go out when the transaction commits.
 *
 *		on_commit_begin(&request);
 *		... {Uuid, Name, Args, Meta} into request.out ...
 *		on_commit_end(&request);
 *
 * They are dropped when it, or the savepoint, is rolled back.  Before the
 * commit there has to be a connection, else the transaction fails; what goes
 * wrong behind it is a WARNING of the next request.  Each runs at most once.
 */
#ifndef ETF_ON_COMMIT_H
#define ETF_ON_COMMIT_H

#include "beam/sidecar.h"

/* Of all calls of a transaction: what a socket takes without a wait. */
#define ON_COMMIT_MAX (64 * 1024)

/* Only request->out is for use until the end. */
extern void on_commit_begin(SidecarRequest *request);
extern void on_commit_end(SidecarRequest *request);

#endif
