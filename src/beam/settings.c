/*
 * settings.c
 *		What postgresql.conf says: the settings as rows of tables.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "beam/settings.h"
#include "compat/backend.h"

ElixirSettings elixir;
ErlangSettings erlang;

typedef struct BoolSetting
{
	const char *name;
	const char *help;
	bool *place;
	bool fallback;
	GucContext context;
} BoolSetting;

typedef struct IntSetting
{
	const char *name;
	const char *help;
	int *place;
	int fallback;
	int min;
	int max;
	GucContext context;
	int unit;
} IntSetting;

typedef struct TextSetting
{
	const char *name;
	const char *help;
	char **place;
	const char *fallback;
	GucContext context;
	int flags;
} TextSetting;

static const BoolSetting bool_settings[] = {
	{"elixir.enabled", "Runs the sidecar, and lets functions call it.",
	 &elixir.enabled, true, PGC_SIGHUP},
	{"elixir.allow_load_code",
	 "Lets superusers give the sidecar code to compile and run.",
	 &elixir.allow_load_code, false, PGC_SIGHUP},
	{"elixir.log_notices",
	 "Sends the messages of PgEtf.Functions.notice/2 to the client.",
	 &elixir.log_notices, false, PGC_USERSET},
};

static const IntSetting int_settings[] = {
	{"elixir.request_timeout_ms", "Time limit of a call.",
	 &elixir.request_timeout, 30000, 1000, 300000, PGC_USERSET, GUC_UNIT_MS},
	{"elixir.start_timeout", "Time that the sidecar has to start.",
	 &elixir.start_timeout, 60, 1, 3600, PGC_SIGHUP, GUC_UNIT_S},
	{"elixir.max_restarts",
	 "Restarts within a minute after which the sidecar has failed.",
	 &elixir.max_restarts, 5, 0, 1000, PGC_SIGHUP, 0},
	{"elixir.memory_limit_mb", "Limit of the sidecar's data segment.",
	 &elixir.memory_limit, 2048, 64, 1024 * 1024, PGC_SIGHUP, GUC_UNIT_MB},
	{"elixir.call_memory_mb",
	 "Limit of the heap of one call in the sidecar; 0 is none.",
	 &elixir.call_memory, 128, 0, 1024 * 1024, PGC_SIGHUP, GUC_UNIT_MB},
	{"elixir.max_files", "Limit of the sidecar's open files.",
	 &elixir.max_files, 4096, 256, 1024 * 1024, PGC_SIGHUP, 0},
	{"elixir.max_message_bytes", "Largest request and largest answer.",
	 &elixir.max_message, 16 * 1024 * 1024, 64 * 1024, 512 * 1024 * 1024,
	 PGC_SIGHUP, GUC_UNIT_BYTE},
	{"elixir.breaker_failures",
	 "Connections in a row, refused, lost or not greeted, after which calls "
	 "are refused at once; 0 is never.",
	 &elixir.breaker_failures, 5, 0, 1000, PGC_SIGHUP, 0},
	{"elixir.breaker_seconds",
	 "Time after which a call may try the sidecar again.",
	 &elixir.breaker_seconds, 30, 1, 3600, PGC_SIGHUP, GUC_UNIT_S},
	{"elixir.result_ttl",
	 "Time that the sidecar keeps results of asynchronous calls.",
	 &elixir.result_ttl, 600, 1, 24 * 3600, PGC_SIGHUP, GUC_UNIT_S},
	{"erlang.call_timeout_ms", "Time limit of a call to a node.",
	 &erlang.call_timeout, 30000, 1, 24 * 3600 * 1000, PGC_USERSET,
	 GUC_UNIT_MS},
	{"erlang.idle_timeout_ms",
	 "Time without a call after which the connection to a node is closed.",
	 &erlang.idle_timeout, 30000, 100, 3600 * 1000, PGC_SUSET, GUC_UNIT_MS},
	{"erlang.max_nodes", "Nodes to which one session is connected at a time.",
	 &erlang.max_nodes, 16, 1, MAX_NODES, PGC_SUSET, 0},
	{"erlang.max_reply_bytes", "Largest call to a node, and largest reply.",
	 &erlang.max_reply, 16 * 1024 * 1024, 1024, 512 * 1024 * 1024, PGC_SUSET,
	 GUC_UNIT_BYTE},
};

/* A command may hold a secret, and a path tells where one is. */
static const TextSetting text_settings[] = {
	{"elixir.command",
	 "Shell command that runs the sidecar; empty if the server does not.",
	 &elixir.command, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY},
	{"elixir.socket",
	 "Socket of the sidecar, a path in the data directory or an absolute one.",
	 &elixir.socket, "pgsql_tmp_beam/sock", PGC_SIGHUP, 0},
	{"elixir.code_path",
	 "Files and directories of code that the sidecar loads when it starts.",
	 &elixir.code_path, "", PGC_SIGHUP, 0},
	{"erlang.cookie_file",
	 "File with the cookie that superusers present to nodes.",
	 &erlang.cookie_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY},
};

static void
define_bool(const BoolSetting *row)
{
	DefineCustomBoolVariable(row->name, row->help, NULL, row->place,
							 row->fallback, row->context, 0, NULL, NULL, NULL);
}

static void
define_int(const IntSetting *row)
{
	DefineCustomIntVariable(row->name, row->help, NULL, row->place,
							row->fallback, row->min, row->max, row->context,
							row->unit, NULL, NULL, NULL);
}

static void
define_text(const TextSetting *row)
{
	DefineCustomStringVariable(row->name, row->help, NULL, row->place,
							   row->fallback, row->context, row->flags, NULL,
							   NULL, NULL);
}

void
settings_define(void)
{
	for (int i = 0; i < (int) lengthof(bool_settings); i++)
		define_bool(&bool_settings[i]);
	for (int i = 0; i < (int) lengthof(int_settings); i++)
		define_int(&int_settings[i]);
	for (int i = 0; i < (int) lengthof(text_settings); i++)
		define_text(&text_settings[i]);
	reserve_setting_prefix("elixir");
	reserve_setting_prefix("erlang");
}
