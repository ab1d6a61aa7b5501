/*
 * args_table.c
 *		The options of the command line that are not settings, as rows.
 *
 * Letters and names are those of psql and pg_recvlogical, where these have
 * them.
 */
#include "client/args_table.h"

#include <string.h>

#include "client/args.h"

#define FLAG(name, letter, field, help)                                      \
	{                                                                        \
		name, letter, ARG_FLAG, offsetof(Arguments, field), NULL, NULL, help \
	}

const Arg args_table[] = {
	FLAG("start", 0, start, "stream and print (the default)"),
	{"print", 0, ARG_PRINT, 0, "elixir", "STYLE",
	 "stream and print as erlang, elixir (default) or json"},
	{"json", 0, ARG_PRINT, 0, "json", NULL, "the same as --print=json"},
	{"read", 0, ARG_STRING, offsetof(Arguments, read), NULL, "FILE",
	 "print a file of pg_recvlogical; - reads stdin"},
	FLAG("beam", 0, beam,
		 "speak to the BEAM on stdin and stdout; so does --port alone"),
	FLAG("create-slot", 0, create_slot, "create the slot; with --start go on"),
	FLAG("drop-slot", 0, drop_slot, "drop the slot"),
	FLAG("status", 0, status, "show this slot, or all slots of the plugin"),
	FLAG("if-not-exists", 0, if_not_exists,
		 "with --create-slot: an existing slot is no error"),
	FLAG("transactions", 0, transactions,
		 "json: a line for each begin and commit, too"),
	{"tables", 0, ARG_STRING, offsetof(Arguments, tables), NULL, "PATTERNS",
	 "only tables that match, as in public.*,audit.log"},
	{"option", 'o', ARG_PLUGIN, 0, NULL, "NAME=VALUE", "option of the plugin"},
	FLAG("verbose", 'v', verbose, "say more on stderr"),
	{"dbname", 'd', ARG_SETTING, 0, "conninfo", "DBNAME",
	 "database, conninfo string or URI"},
	{"host", 'h', ARG_CONNECTION, 0, "host", "HOST", "server or directory"},
	{"port", 'p', ARG_PORT, 0, "port", "PORT", "its port"},
	{"username", 'U', ARG_CONNECTION, 0, "user", "NAME", "role"},
	FLAG("password", 'W', ask_password, "ask for the password first"),
	FLAG("no-password", 'w', no_password, "never ask for a password"),
	{NULL, 'S', ARG_SETTING, 0, "slot", "NAME", NULL},
	{NULL, 'I', ARG_SETTING, 0, "startpos", "LSN", NULL},
	{NULL, 'E', ARG_SETTING, 0, "endpos", "LSN", NULL},
	{NULL, 's', ARG_SETTING, 0, "status_interval", "TIME", NULL},
	{NULL, 't', ARG_SETTING, 0, "two_phase", NULL, NULL},
	{"no-loop", 'n', ARG_OFF, 0, "reconnect", NULL,
	 "do not connect again after a failure"},
	{"temporary", 0, ARG_SETTING, 0, "create", NULL,
	 "stream from a slot that ends with the connection"},
	{"plugin", 'P', ARG_ONLY, 0, PLUGIN_NAME, "NAME",
	 "as of pg_recvlogical: " PLUGIN_NAME},
	{"file", 'f', ARG_ONLY, 0, "-", "FILE",
	 "as of pg_recvlogical: -, for stdout; else write > FILE"},
	FLAG("version", 'V', version, "print the version"),
	FLAG("help", '?', help, "print this"),
};

const size_t args_count = sizeof(args_table) / sizeof(args_table[0]);

const Setting *
args_setting(const Arg *arg)
{
	return settings_find(arg->setting, strlen(arg->setting));
}
