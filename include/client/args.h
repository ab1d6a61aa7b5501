/*
 * args.h
 *		The command line.
 */
#ifndef ETF_ARGS_H
#define ETF_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/settings.h"
#include "common/term_text.h"

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
	bool status;
	bool made;	/* the slot, by create_slot */
	char *read; /* a file, "-" for stdin */

	/* How. */
	bool if_not_exists;
	bool ask_password;
	bool no_password;  /* do not ask, whatever the server wants */
	bool transactions; /* lines for begin and commit */
	bool verbose;
	int style; /* TextStyle */
	char *tables;
} Arguments;

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
