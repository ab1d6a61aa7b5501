/*
 * after_commit.h
 *		Messages to processes of nodes that are sent when the transaction
 *		commits, and dropped when it, or the savepoint, is rolled back.
 *
 * Each arrives at most once: what fails between the commit and the node is
 * lost, with a WARNING where that is known, and the transaction stands.  What can fail before makes it fail: that
 * a node cannot be reached, does not take its messages, or that they are more
 * than AFTER_COMMIT_MAX bytes, or AFTER_COMMIT_PACKETS with their addresses
 * (54000, when they are added).
 */
#ifndef ETF_AFTER_COMMIT_H
#define ETF_AFTER_COMMIT_H

#include "beam/remote.h"

#define AFTER_COMMIT_MAX (64 * 1024)

/* Twice as much is what Linux grants a socket by default. */
#define AFTER_COMMIT_PACKETS (200 * 1024)

/* What was begun by remote_begin_send, with its message behind. */
extern void after_commit_add(RemoteCall *call, const char *process);

#endif
