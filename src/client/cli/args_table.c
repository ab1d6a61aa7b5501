/*
 * args_table.c
 *		The options of the command line that are not settings, as rows.
 *
 * Letters and names are those of psql and pg_recvlogical, where these have
 * them.
 */
#include "client/cli/args_table.h"

#include <string.h>

#include "client/cli/arguments.h"

#define FLAG(name, letter, field, help)                                      \
	{                                                                        \
		name, letter, ARG_FLAG, offsetof(Arguments, field), NULL, NULL, help \
	}

const Arg args_table[] = {
	FLAG("start", 0, start, "stream and print (the default)"),
	{"print", 0, ARG_PRINT, 0, "elixir", "STYLE",
	 "stream and print as erlang, elixir (default), json or debezium"},
	{"json", 0, ARG_PRINT, 0, "json", NULL, "the same as --print=json"},
	{"read", 0, ARG_STRING, offsetof(Arguments, read), NULL, "FILE",
	 "print a file written by pg_recvlogical; -: stdin"},
	FLAG("beam", 0, beam,
		 "run as an Erlang Port; so does --port without a value"),
	{"to", 0, ARG_STRING, offsetof(Arguments, node.to), NULL, "NAME@NODE",
	 "stream to a registered process of an Erlang node"},
	{"node", 0, ARG_STRING, offsetof(Arguments, node.name), NULL, "NAME",
	 "with --to: our own name as a node (default: pg_etf_ and the slot)"},
	{"cookie-file", 0, ARG_STRING, offsetof(Arguments, node.cookie_file), NULL,
	 "FILE", "with --to: holds the node's cookie (default: ~/.erlang.cookie)"},
	FLAG("create-slot", 0, create_slot,
		 "create the slot; with --start, then stream"),
	FLAG("drop-slot", 0, drop_slot, "drop the slot"),
	{"status", 0, ARG_STATUS, 0, "table", "FORMAT",
	 "show this slot, or all: as table (default), json or prometheus"},
	{"metrics-file", 0, ARG_STRING, offsetof(Arguments, print.metrics_file),
	 NULL, "PATH", "also write statistics into a file, for node_exporter"},
	FLAG("check", 0, check,
		 "check that the server is ready, and say what to do"),
	FLAG("if-not-exists", 0, if_not_exists,
		 "with --create-slot: accept an existing slot"),
	FLAG("transactions", 0, print.transactions,
		 "json: also print a line for each begin and commit"),
	{"tables", 0, ARG_STRING, offsetof(Arguments, print.tables), NULL,
	 "PATTERNS", "only matching tables, such as public.*,audit.log"},
	{"where", 0, ARG_STRING, offsetof(Arguments, print.where), NULL,
	 "CONDITION", "with --snapshot: only the rows of which this is true"},
	{"jobs", 'j', ARG_STRING, offsetof(Arguments, print.jobs), NULL, "N",
	 "with --snapshot: read with so many connections (default: 2)"},
	{"max-hold", 0, ARG_STRING, offsetof(Arguments, print.max_hold), NULL,
	 "TIME", "with --snapshot: hold a snapshot for so long (default: 30min)"},
	{"option", 'o', ARG_PLUGIN, 0, NULL, "NAME=VALUE", "option of the plugin"},
	FLAG("verbose", 'v', print.verbose, "report more on stderr"),
	{"dbname", 'd', ARG_CONNINFO, 0, "conninfo", "DBNAME",
	 "database, conninfo string or URI; -: a line of stdin"},
	{"host", 'h', ARG_CONNECTION, 0, "host", "HOST",
	 "server host, or socket directory"},
	{"port", 'p', ARG_PORT, 0, "port", "PORT", "server port"},
	{"username", 'U', ARG_CONNECTION, 0, "user", "NAME", "role"},
	FLAG("password", 'W', ask_password, "ask for the password first"),
	FLAG("no-password", 'w', no_password, "never ask for a password"),
	{NULL, 'S', ARG_SETTING, 0, "slot", "NAME", NULL},
	{NULL, 'I', ARG_SETTING, 0, "startpos", "LSN", NULL},
	{NULL, 'E', ARG_SETTING, 0, "endpos", "LSN", NULL},
	{NULL, 's', ARG_SETTING, 0, "status_interval", "TIME", NULL},
	{NULL, 'P', ARG_SETTING, 0, "plugin", "NAME", NULL},
	{NULL, 't', ARG_SETTING, 0, "two_phase", NULL, NULL},
	{"no-loop", 'n', ARG_OFF, 0, "reconnect", NULL,
	 "do not reconnect after a failure"},
	{"temporary", 0, ARG_SETTING, 0, "create", NULL,
	 "stream from a slot that is dropped with the connection"},
	{"file", 'f', ARG_ONLY, 0, "-", "FILE",
	 "for compatibility: only -; to write a file use > FILE"},
	FLAG("version", 'V', version, "print the version"),
	FLAG("help", '?', help, "print this help"),
};

const size_t args_count = sizeof(args_table) / sizeof(args_table[0]);

const Setting *
args_setting(const Arg *arg)
{
	return settings_find(arg->setting, strlen(arg->setting));
}
