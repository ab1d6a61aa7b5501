/*
 * args_table.h
 *		The options of the command line that are not settings, as rows.
 *
 * For args.c, which reads a command line, and args_help.c, which shows it.
 */
#ifndef ETF_ARGS_TABLE_H
#define ETF_ARGS_TABLE_H

#include <stddef.h>

#include "client/base/settings.h"

typedef enum ArgKind
{
	ARG_FLAG,		/* sets a bool of Arguments to true */
	ARG_STRING,		/* a char * of Arguments */
	ARG_PRINT,		/* --print[=STYLE], "setting" is the style without one */
	ARG_STATUS,		/* the same of --status[=FORMAT] */
	ARG_CONNECTION, /* a libpq keyword, "setting" names it */
	ARG_PORT,		/* the same; --port alone is --beam */
	ARG_CONNINFO,	/* that setting; -: a line of stdin */
	ARG_SETTING,	/* short for a row of settings_table.c */
	ARG_OFF,		/* turns a setting off */
	ARG_PLUGIN,		/* an option of the plugin */
	ARG_ONLY		/* of pg_recvlogical; takes what is in "setting" alone */
} ArgKind;

typedef struct Arg
{
	const char *name;
	char letter;
	ArgKind kind;
	size_t offset;
	const char *setting;
	const char *value; /* as --help names it; NULL: takes none */
	const char *help;
} Arg;

extern const Arg args_table[];
extern const size_t args_count;

/* The setting that an ARG_SETTING or ARG_OFF is about. */
extern const Setting *args_setting(const Arg *arg);

/* --print, --status, --port: the value may be left out. */
static inline bool
args_value_is_optional(const Arg *arg)
{
	return arg->value != NULL &&
		   (arg->kind == ARG_PRINT || arg->kind == ARG_STATUS ||
			arg->kind == ARG_PORT);
}

#endif
