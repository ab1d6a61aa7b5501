/*
 * status.h
 *		Show slots: as a table, as JSON, as metrics.
 */
#ifndef ETF_CLI_STATUS_H
#define ETF_CLI_STATUS_H

#include "client/base/failure.h"
#include "client/cli/arguments.h"

/* "failure" is what went wrong: no such slot, for instance. */
extern void status_show(const Arguments *args, Failure *failure);

#endif
