/*
 * settings.h
 *		What the client was asked to do, from a {start, Map} or the command line.
 *
 * One table in settings.c has a row for each setting: it is a key of the map
 * and a long option, checked by the same code, and listed by --help.
 * Strings belong to the Settings.
 */
#ifndef ETF_SETTINGS_H
#define ETF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGIN_NAME "pg_etf_decoding"
#define PROGRAM_NAME "pg_etf_client"

typedef enum CreateSlot
{
	CREATE_NONE,
	CREATE_IF_MISSING,
	CREATE_TEMPORARY
} CreateSlot;

typedef struct Pair
{
	char *name;
	char *value;
} Pair;

/* Enough for all keywords of libpq and all options of the plugin. */
#define PAIRS_MAX 256

/* A growing list of names and values; a name given again replaces. */
typedef struct PairList
{
	Pair *items;
	size_t count;
} PairList;

typedef struct Settings
{
	char *conninfo;		 /* conninfo string, URI or database name; or NULL */
	PairList connection; /* libpq keywords; they win over conninfo */
	char *slot;
	int create; /* CreateSlot */
	bool two_phase;
	bool failover;
	PairList options; /* of the plugin */

	uint64_t startpos;
	uint64_t endpos;
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

typedef enum SettingType
{
	SETTING_TEXT,
	SETTING_BOOL,
	SETTING_COUNT,
	SETTING_TIME, /* milliseconds; on the command line 10s, 500ms, 10 (s) */
	SETTING_LSN,
	SETTING_CREATE
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
} Setting;

extern const Setting settings_table[];
extern const size_t settings_count;

extern void settings_init(Settings *settings);
extern void settings_free(Settings *settings);

/* NULL if there is none of this name. */
extern const Setting *settings_find(const char *name, size_t len);

/*
 * Set one from text or from a number.  False leaves a message in "error",
 * which names the setting and what it takes.
 */
extern bool settings_set_text(Settings *settings, const Setting *setting,
							  const char *text, char *error, size_t size);
extern bool settings_set_number(Settings *settings, const Setting *setting,
								uint64_t value, char *error, size_t size);

/* False: out of memory. */
extern bool pairs_put(PairList *list, const char *name, const char *value);
extern const char *pairs_get(const PairList *list, const char *name);

/* What cannot be wrong in one setting alone.  False leaves a message. */
extern bool settings_check(const Settings *settings, char *error, size_t size);

#endif
