/*
 * settings.h
 *		What the client was asked to do, from a {start, Map} or the command line.
 *
 * One table, settings_table.c, has a row for each setting: it is a key of the map
 * and a long option, checked by the same code, and listed by --help.
 * Strings belong to the Settings.
 */
#ifndef ETF_SETTINGS_H
#define ETF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/base/pairs.h"

#define PLUGIN_NAME "pg_etf_decoding"
#define PROGRAM_NAME "pg_etf_client"

typedef enum CreateSlot
{
	CREATE_NONE,
	CREATE_IF_MISSING,
	CREATE_TEMPORARY
} CreateSlot;

/* What the server is asked to send changes by. */
typedef enum OutputPlugin
{
	PLUGIN_AUTO, /* the one that the slot has; of a new one ours, if we may */
	PLUGIN_OURS,
	PLUGIN_PGOUTPUT
} OutputPlugin;

/* What comes before the stream. */
typedef enum SnapshotChoice
{
	SNAPSHOT_OFF,
	SNAPSHOT_ON,  /* what is in the tables */
	SNAPSHOT_ONLY /* that, and no stream */
} SnapshotChoice;

/* How pgoutput sends values. */
typedef enum ValueFormat
{
	FORMAT_AUTO, /* binary, if it can be */
	FORMAT_BINARY,
	FORMAT_TEXT
} ValueFormat;

typedef struct Settings
{
	char *conninfo;		 /* conninfo string, URI or database name; or NULL */
	PairList connection; /* libpq keywords; they win over conninfo */
	char *slot;
	int create;		/* CreateSlot */
	int plugin;		/* OutputPlugin */
	int format;		/* ValueFormat */
	int snapshot;	/* SnapshotChoice */
	bool backfills; /* tell of those that were asked for; see kept.c */
	bool create_publication;
	bool two_phase; /* of a new slot, and prepared transactions are told */
	bool failover;
	PairList options; /* of the plugin */

	/* {start, Map} may not say where to read: the command line has. */
	bool placed;

	uint64_t startpos;
	uint64_t endpos;
	bool streaming;	 /* the server sends transactions in progress, ... */
	char *spool_dir; /* ... which are kept here; or NULL */
	uint64_t spool_bytes;
	char *system_identifier; /* the cluster that startpos is of; or NULL */
	uint64_t timeline;		 /* the timeline that startpos is of; or 0 */

	bool peek;			/* nothing is confirmed to the server */
	bool ack_positions; /* a keepalive's position waits for {flushed, Lsn} */
	uint64_t credit_events;
	uint64_t credit_bytes;
	uint64_t packet_bytes;
	uint64_t status_interval; /* this and all below in milliseconds */
	uint64_t max_stall;
	uint64_t connect_timeout;
	uint64_t liveness_timeout;
	uint64_t slot_wait;
	bool standby;
	uint64_t standby_interval;
	uint64_t takeover_timeout; /* 0: the server's own */
	uint64_t shrink_after;
	uint64_t stop_timeout;
	uint64_t stats_interval;
	bool control;

	bool reconnect;
	uint64_t reconnect_min;
	uint64_t reconnect_max;
	uint64_t circuit_after; /* failures */
} Settings;

/* No number is larger. */
#define SETTING_MAX ((uint64_t) 1 << 48)

typedef enum SettingType
{
	SETTING_TEXT,
	SETTING_BOOL,
	SETTING_COUNT,
	SETTING_TIME, /* milliseconds; on the command line 10s, 500ms, 10 (s) */
	SETTING_LSN,
	SETTING_CHOICE /* kept as int: the place in "choices" */
} SettingType;

typedef struct Setting
{
	const char *name;
	SettingType type;
	size_t offset;
	const char *initial; /* as on the command line; NULL: unset */
	uint64_t min;
	uint64_t max;
	const char *help;
	const char *const *choices; /* up to NULL */
} Setting;

/* The names of plugins, as of OutputPlugin. */
extern const char *const plugin_choices[];

extern const Setting settings_table[];
extern const size_t settings_count;

extern void settings_init(Settings *settings);

/* False: out of memory; what was copied is to be freed all the same. */
extern bool settings_copy(Settings *settings, const Settings *from);
extern void settings_free(Settings *settings);

/* NULL if there is none of this name. */
extern const Setting *settings_find(const char *name, size_t len);

/*
 * Set one from text or from a number, in a Settings or another struct that has
 * rows of this kind.  False leaves a message in "error", which names the
 * setting and what it takes.
 */
extern bool settings_set_text(void *settings, const Setting *setting,
							  const char *text, char *error, size_t size);
extern bool settings_set_number(void *settings, const Setting *setting,
								uint64_t value, char *error, size_t size);

/* What is wrong with a publication that is to be created; NULL: nothing. */
extern const char *settings_unpublished(const Settings *settings);

/* What cannot be wrong in one setting alone.  False leaves a message. */
extern bool settings_check(const Settings *settings, char *error, size_t size);

#endif
