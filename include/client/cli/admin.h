/*
 * admin.h
 *		Make and drop slots, over an ordinary connection.
 *
 * Each function leaves in "failure" what went wrong.
 */
#ifndef ETF_ADMIN_H
#define ETF_ADMIN_H

#include "client/base/failure.h"
#include "client/cli/args.h"

extern void admin_create(Arguments *args, Failure *failure);
extern void admin_drop(const Arguments *args, Failure *failure);

#endif
