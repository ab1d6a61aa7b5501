/*
 * print_file.h
 *		Print a file that pg_recvlogical wrote.
 */
#ifndef ETF_PRINT_FILE_H
#define ETF_PRINT_FILE_H

#include "client/base/failure.h"
#include "client/base/settings.h"
#include "client/show/print_options.h"

/* To stdout; the name "-" is stdin.  "settings" say where streams are kept. */
extern void print_file(const char *name, const Settings *settings,
					   const PrintOptions *options, Failure *failure);

#endif
