/*
 * args.h
 *		The command line.
 */
#ifndef ETF_ARGS_H
#define ETF_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/cli/arguments.h"

/*
 * Fill in "args", which settings_free(&args->settings) frees.  False leaves a
 * message in "error".
 */
extern bool args_parse(Arguments *args, int argc, char **argv, char *error,
					   size_t size);

/* Do they go together?  A temporary slot without a name gets one. */
extern bool args_check(Arguments *args, char *error, size_t size);

/* Everything there is, from the tables that args_parse() uses. */
extern void args_help(void);

#endif
