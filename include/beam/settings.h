/*
 * settings.h
 *		What postgresql.conf says, one variable for each row of the tables in
 *		settings.c.
 *
 * None of them needs a restart of the server: the worker that runs the BEAM
 * reads them again on reload, a backend at each call.
 */
#ifndef ETF_SETTINGS_H
#define ETF_SETTINGS_H

#include <stdbool.h>

typedef struct ElixirSettings
{
	bool enabled;
	char *command; /* what runs the BEAM; empty: somebody else does */
	char *socket;  /* relative to the data directory, or absolute */
	char *code_path;
	int request_timeout; /* milliseconds, as all of them */
	int start_timeout;
	int max_restarts;	  /* in a minute */
	int memory_limit;	  /* megabytes */
	int call_memory;	  /* megabytes; 0: no limit */
	int max_files;		  /* descriptors of the BEAM */
	int max_message;	  /* bytes */
	int breaker_failures; /* 0: the breaker never opens */
	int breaker_seconds;
	int result_ttl; /* seconds */
	bool allow_load_code;
	bool log_notices;
} ElixirSettings;

/* More connections than this a backend cannot be told to keep. */
#define MAX_NODES 64

/* Of calls to nodes. */
typedef struct ErlangSettings
{
	char *cookie_file; /* for superusers; empty: none */
	int call_timeout;  /* milliseconds, likewise below */
	int idle_timeout;  /* after which a connection is closed */
	int max_nodes;	   /* connections of one backend */
	int max_reply;	   /* bytes */
} ErlangSettings;

extern ElixirSettings elixir;
extern ErlangSettings erlang;

extern void settings_define(void);

#endif
