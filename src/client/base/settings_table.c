/*
 * settings_table.c
 *		The settings, as rows.
 */
#include "client/base/settings.h"

#include <string.h>

#define ROW(name, type, initial, min, max, help)                             \
	{                                                                        \
#name, type, offsetof(Settings, name), initial, min, max, help, NULL \
	}

#define CHOICE(name, initial, choices, help)                                  \
	{                                                                         \
#name, SETTING_CHOICE, offsetof(Settings, name), initial, 0, 0, help, \
			choices                                                           \
	}

#define HOUR ((uint64_t) 3600 * 1000) /* in milliseconds */
#define DAY (24 * HOUR)

static const char *const create_choices[] = {"none", "if_missing", "temporary",
											 NULL};
static const char *const snapshot_choices[] = {"off", "on", "only", NULL};
const char *const plugin_choices[] = {"auto", PLUGIN_NAME, "pgoutput", NULL};
static const char *const format_choices[] = {"auto", "binary", "text", NULL};

const Setting settings_table[] = {
	ROW(conninfo, SETTING_TEXT, NULL, 0, 0,
		"conninfo string, URI or database name"),
	ROW(slot, SETTING_TEXT, NULL, 0, 0, "name of the replication slot"),
	CHOICE(create, "none", create_choices,
		   "create the slot: none, if_missing or temporary"),
	CHOICE(snapshot, "off", snapshot_choices,
		   "first read the tables: off, on, or only: and then stop"),
	ROW(backfills, SETTING_BOOL, "off", 0, 0,
		"tell which backfills were asked for and have not ended"),
	CHOICE(plugin, "auto", plugin_choices,
		   "of the slot: pg_etf_decoding, pgoutput, or auto: the one that it "
		   "has"),
	CHOICE(
		format, "auto", format_choices,
		"how pgoutput sends values: binary, text, or auto: binary if it can"),
	ROW(create_publication, SETTING_BOOL, "off", 0, 0,
		"create the first of publication_names, with a new slot of pgoutput"),
	ROW(two_phase, SETTING_BOOL, "off", 0, 0,
		"deliver prepared transactions at PREPARE (PostgreSQL 14 or later)"),
	ROW(failover, SETTING_BOOL, "off", 0, 0,
		"create a failover slot (PostgreSQL 17 or later)"),
	ROW(startpos, SETTING_LSN, "0/0", 0, 0,
		"last position that the consumer has stored"),
	ROW(endpos, SETTING_LSN, "0/0", 0, 0,
		"stop after the last transaction that ends at or before this"),
	ROW(streaming, SETTING_BOOL, "off", 0, 0,
		"receive large transactions before they end (PostgreSQL 14 or later)"),
	ROW(spool_dir, SETTING_TEXT, NULL, 0, 0,
		"where to keep them until then; $TMPDIR, or /var/tmp"),
	ROW(spool_bytes, SETTING_COUNT, "8589934592", 0, SETTING_MAX,
		"how much to keep; beyond it, stream no more"),
	ROW(system_identifier, SETTING_TEXT, NULL, 0, 0,
		"reject any cluster with another identifier"),
	ROW(timeline, SETTING_COUNT, "0", 0, UINT32_MAX,
		"timeline of startpos; 0: not known"),
	ROW(peek, SETTING_BOOL, "off", 0, 0,
		"confirm nothing, so that everything is delivered again"),
	ROW(ack_positions, SETTING_BOOL, "off", 0, 0,
		"confirm a position without changes only once acknowledged"),
	ROW(credit_events, SETTING_COUNT, "0", 0, SETTING_MAX,
		"initial credit, in events"),
	ROW(credit_bytes, SETTING_COUNT, "0", 0, SETTING_MAX,
		"initial credit, in bytes"),
	ROW(packet_bytes, SETTING_COUNT, "262144", 1, 64 << 20,
		"batch waiting frames into packets of up to this size"),
	ROW(status_interval, SETTING_TIME, "10s", 100, DAY,
		"maximum time between status updates"),
	ROW(max_stall, SETTING_TIME, "60s", 0, DAY,
		"disconnect after the consumer accepted nothing for this long; 0: "
		"never"),
	ROW(connect_timeout, SETTING_TIME, "15s", 100, HOUR,
		"timeout for connecting, and for setting up the stream"),
	ROW(liveness_timeout, SETTING_TIME, "60s", 1000, DAY,
		"consider the server dead after this much silence"),
	ROW(slot_wait, SETTING_TIME, "0", 0, DAY,
		"how long to wait for a slot in use; at least wal_sender_timeout"),
	ROW(standby, SETTING_BOOL, "off", 0, 0,
		"wait indefinitely for a slot in use, without a walsender"),
	ROW(standby_interval, SETTING_TIME, "500ms", 50, HOUR,
		"how often to check a slot in use"),
	ROW(takeover_timeout, SETTING_TIME, "0", 0, DAY,
		"time after which the server gives up a vanished client; 0: its own"),
	ROW(shrink_after, SETTING_TIME, "60s", 0, DAY,
		"reconnect this long after the last message above 8 MiB; 0: never"),
	ROW(stop_timeout, SETTING_TIME, "5s", 100, HOUR,
		"time to confirm the last position when stopping"),
	ROW(stats_interval, SETTING_TIME, "0", 0, DAY,
		"how often to report statistics; 0: never"),
	ROW(control, SETTING_BOOL, "on", 0, 0,
		"open a second connection to monitor the slot and the server"),
	ROW(reconnect, SETTING_BOOL, "on", 0, 0,
		"reconnect after transient failures"),
	ROW(reconnect_min, SETTING_TIME, "200ms", 1, HOUR,
		"initial reconnect delay"),
	ROW(reconnect_max, SETTING_TIME, "30s", 1, DAY, "maximum reconnect delay"),
	ROW(circuit_after, SETTING_COUNT, "10", 0, 1000000,
		"failures in a row that open the circuit; 0: never"),
};

const size_t settings_count =
	sizeof(settings_table) / sizeof(settings_table[0]);

const Setting *
settings_find(const char *name, size_t len)
{
	for (size_t i = 0; i < settings_count; i++)
	{
		if (strlen(settings_table[i].name) == len &&
			memcmp(settings_table[i].name, name, len) == 0)
			return &settings_table[i];
	}
	return NULL;
}
