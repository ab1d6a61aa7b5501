/*
 * check.h
 *		Is a server, and its database, ready for what the settings ask for?
 */
#ifndef ETF_CHECK_H
#define ETF_CHECK_H

#include "client/base/failure.h"
#include "client/base/settings.h"

/*
 * Write a line to stdout for each thing that was looked at.  The failure, if
 * any, is that of the connection, or has the class of the first error.
 */
extern void check_server(const Settings *settings, Failure *failure);

#endif
