/*
 * arguments.h
 *		What the command line asks for.
 */
#ifndef ETF_ARGUMENTS_H
#define ETF_ARGUMENTS_H

#include <stdbool.h>

#include "client/base/settings.h"
#include "client/node/node_options.h"
#include "client/show/print_options.h"

typedef enum StatusFormat
{
	STATUS_NONE,
	STATUS_TABLE,
	STATUS_JSON,
	STATUS_PROMETHEUS
} StatusFormat;

typedef struct Arguments
{
	Settings settings;

	/* What to do. */
	bool help;
	bool version;
	bool beam;
	bool start;
	bool create_slot;
	bool drop_slot;
	StatusFormat status;
	bool check;
	char *read; /* a file, "-" for stdin */

	/* How. */
	bool if_not_exists;
	bool ask_password;
	bool no_password; /* do not ask, whatever the server wants */
	PrintOptions print;
	NodeOptions node;
} Arguments;

#endif
