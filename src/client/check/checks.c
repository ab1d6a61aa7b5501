/*
 * checks.c
 *		What is looked at, as rows.
 *
 * In the order in which a stream needs them.  What a role may not see is not
 * there for these queries; none of them fails for want of a privilege.
 */
#include "client/check/checks.h"

static const char server[] =
	"SELECT CASE WHEN version < 130000 OR standby AND version < 160000 "
	"THEN 'config' ELSE 'ok' END, format('PostgreSQL %s, %s, database %s, "
	"role %s', split_part(current_setting('server_version'), ' ', 1), "
	"CASE WHEN standby THEN 'a standby' ELSE 'primary' END, "
	"current_database(), current_user), CASE WHEN version < 130000 "
	"THEN 'Versions before 13 are not supported.' "
	"ELSE 'Connect to the primary: standbys decode from 16 on.' END "
	"FROM server";

static const char tls[] =
	"SELECT CASE WHEN ssl OR inet_client_addr() IS NULL "
	"OR inet_client_addr() <<= '127.0.0.0/8' OR inet_client_addr() = '::1' "
	"THEN 'ok' ELSE 'warning' END, CASE WHEN ssl THEN version "
	"WHEN inet_client_addr() IS NULL THEN 'a socket of this machine' "
	"ELSE 'the connection is not encrypted' END, "
	"'Use sslmode=verify-full, or rows cross the network as they are.' "
	"FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

static const char wal_level[] =
	"SELECT CASE WHEN level = 'logical' OR level = 'replica' "
	"AND version >= 190000 THEN 'ok' ELSE 'config' END, level, "
	"CASE WHEN pending THEN 'It was changed, and takes effect when the server "
	"is restarted; a reload is not enough.' "
	"WHEN version >= 190000 THEN 'Set wal_level = replica, or logical, in "
	"postgresql.conf and restart the server.' "
	"ELSE 'Set wal_level = logical in postgresql.conf and restart the server; "
	"a reload is not enough.' END FROM server, (SELECT coalesce("
	"current_setting('effective_wal_level', true), setting) AS level, "
	"pending_restart AS pending FROM pg_settings WHERE name = 'wal_level') "
	"AS w";

static const char slots[] =
	"SELECT CASE WHEN used < most OR found THEN 'ok' ELSE 'config' END, "
	"format('%s of %s in use', used, most), "
	"'Raise max_replication_slots and restart the server, or drop slots that "
	"nobody reads.' FROM (SELECT count(slot_name) AS used, "
	"current_setting('max_replication_slots')::int AS most, "
	"coalesce(bool_or(slot_name = asked.slot), false) AS found "
	"FROM asked LEFT JOIN pg_replication_slots ON true) AS s";

static const char walsenders[] =
	"SELECT CASE WHEN used + 1 < most THEN 'ok' WHEN used < most "
	"THEN 'warning' ELSE 'server_error' END, "
	"format('%s of %s in use', used, most), "
	"'Raise max_wal_senders and restart the server: each stream, standby and "
	"base backup takes one.' FROM (SELECT count(*) AS used, "
	"current_setting('max_wal_senders')::int AS most "
	"FROM pg_stat_replication) AS s";

/* The characters that PostgreSQL takes, and how many. */
#define IS_NO_NAME "asked.slot !~ '^[a-z0-9_]{1,63}$'"

static const char slot[] =
	"SELECT CASE WHEN " IS_NO_NAME " THEN 'config' "
	"WHEN asked.slot IS NULL OR s.slot_name IS NULL THEN 'ok' "
	"WHEN s.plugin IS NULL OR s.plugin NOT IN ('" PLUGIN_NAME "', 'pgoutput') "
	"OR s.database <> current_database() THEN 'wrong_plugin' "
	"WHEN s.wal_status = 'lost' OR j ->> 'invalidation_reason' IS NOT NULL "
	"THEN 'slot_lost' WHEN s.active THEN 'warning' ELSE 'ok' END, "
	"CASE WHEN " IS_NO_NAME " THEN format('\"%s\" is no name of a slot', "
	"asked.slot) WHEN asked.slot IS NULL THEN 'none is named' "
	"WHEN s.slot_name IS NULL THEN format('\"%s\" does not exist yet "
	"(--create-slot or create_slot: true creates it)', asked.slot) "
	"WHEN s.plugin IS NULL THEN format('\"%s\" is a physical slot', asked.slot) "
	"ELSE format('\"%s\", plugin %s, database %s%s', asked.slot, s.plugin, "
	"s.database, coalesce(', invalidated: ' || (j ->> 'invalidation_reason'), "
	"CASE WHEN s.wal_status = 'lost' THEN ', lost' END, "
	"', read by PID ' || s.active_pid, ', nobody reads it')) END, "
	"CASE WHEN " IS_NO_NAME " THEN 'Use lower-case letters, digits and "
	"underscores, 63 at most.' "
	"WHEN s.wal_status = 'lost' OR j ->> 'invalidation_reason' IS NOT NULL "
	"THEN 'Drop it and create it again, and only then copy the data.' "
	"WHEN s.active AND s.plugin IN ('" PLUGIN_NAME "', 'pgoutput') "
	"AND s.database = current_database() "
	"THEN 'Only one process can read a slot: stop that one, or use another "
	"slot.' ELSE 'Use another name, or connect to that database.' END "
	"FROM asked LEFT JOIN (SELECT *, to_jsonb(r) AS j "
	"FROM pg_replication_slots AS r) AS s ON s.slot_name = asked.slot";

static const char unread[] =
	"SELECT 'warning', string_agg(format('\"%s\" keeps %s', slot_name, "
	"pg_size_pretty(kept)), ', ' ORDER BY kept DESC), "
	"'Nobody reads them: bring their consumers back, or drop them.' "
	"FROM (SELECT slot_name, CASE WHEN standby THEN pg_last_wal_replay_lsn() "
	"ELSE pg_current_wal_flush_lsn() END - restart_lsn AS kept "
	"FROM asked, server, pg_replication_slots WHERE NOT active "
	"AND slot_name IS DISTINCT FROM asked.slot) AS s "
	"WHERE kept > 100 << 20 HAVING count(*) > 0";

static const char keep_size[] =
	"SELECT CASE WHEN size = '-1' THEN 'warning' ELSE 'ok' END, "
	"CASE WHEN size = '-1' THEN 'no limit' ELSE size END, "
	"'A slot that nobody reads fills the disk. For example: ALTER SYSTEM SET "
	"max_slot_wal_keep_size = ''50GB'', then reload.' "
	"FROM current_setting('max_slot_wal_keep_size') AS size";

static const char idle[] =
	"SELECT CASE WHEN t <> '0' AND t::interval < '1 day' THEN 'warning' "
	"ELSE 'ok' END, CASE WHEN t = '0' THEN 'off' ELSE t END, "
	"'A slot that is not read for that long is invalidated: set it above the "
	"longest outage that is to be survived, or to 0.' "
	"FROM current_setting('idle_replication_slot_timeout') AS t";

static const char sender_timeout[] =
	"SELECT CASE WHEN t = '0' OR t::interval < '5 s' THEN 'warning' "
	"ELSE 'ok' END, CASE WHEN t = '0' THEN 'off' ELSE t END, CASE t "
	"WHEN '0' THEN 'A client whose machine vanished holds its slot until TCP "
	"gives up: set it to 60s.' "
	"ELSE 'A pause of the network of that length ends the stream: set it to "
	"60s.' END FROM current_setting('wal_sender_timeout') AS t";

static const char feedback[] =
	"SELECT CASE WHEN current_setting('hot_standby_feedback')::bool "
	"AND current_setting('primary_slot_name') <> '' THEN 'ok' "
	"ELSE 'warning' END, format('hot_standby_feedback %s, primary_slot_name "
	"\"%s\"', current_setting('hot_standby_feedback'), "
	"current_setting('primary_slot_name')), "
	"'Set both: otherwise vacuum on the primary removes rows that the slot "
	"needs, and it is lost.' FROM server WHERE standby";

static const char prepared[] =
	"SELECT CASE WHEN most = 0 THEN 'warning' ELSE 'ok' END, most::text, "
	"'PREPARE TRANSACTION is off on this server: two_phase has no effect.' "
	"FROM asked, (SELECT current_setting('max_prepared_transactions')::int "
	"AS most) AS s WHERE two_phase";

/* Whoever has a physical slot means to have a standby. */
#define STANDBYS                                                            \
	"(SELECT string_agg(slot_name, ', ' ORDER BY slot_name) AS standbys "   \
	"FROM pg_replication_slots WHERE slot_type = 'physical') AS p, server " \
	"WHERE NOT standby AND standbys IS NOT NULL "

static const char failover_old[] =
	"SELECT 'warning', format('the standby of slot %s will not have the "
	"slots', standbys), 'Before PostgreSQL 17 a failover ends the stream: the "
	"data has to be copied again.' FROM " STANDBYS "AND version < 170000";

static const char failover[] =
	"SELECT CASE WHEN is_failover AND guarded THEN 'ok' ELSE 'warning' END, "
	"CASE WHEN NOT is_failover THEN format('the standby of slot %s will not "
	"have this slot', standbys) WHEN guarded THEN 'the standbys are waited for' "
	"ELSE 'synchronized_standby_slots is empty' END, "
	"CASE WHEN NOT is_failover THEN 'Create the slot with --failover "
	"(failover: true), or a failover ends the stream.' ELSE format('A consumer "
	"can get ahead of the standby: ALTER SYSTEM SET synchronized_standby_slots "
	"= %L, then reload.', standbys) END FROM (SELECT coalesce((SELECT "
	"(to_jsonb(s) ->> 'failover')::bool FROM pg_replication_slots AS s "
	"WHERE s.slot_name = asked.slot), asked.failover) AS is_failover, current_setting("
	"'synchronized_standby_slots') <> '' AS guarded FROM asked) AS f, " STANDBYS;

static const char encoding[] =
	"SELECT CASE WHEN getdatabaseencoding() = 'SQL_ASCII' THEN 'warning' "
	"ELSE 'ok' END, getdatabaseencoding()::text, "
	"'Text that happens not to be UTF-8 arrives as {unconverted, Bytes}.'";

static const char extension[] =
	"SELECT 'warning', format('the SQL functions are of version %s, the files "
	"of %s', installed_version, default_version), "
	"'Run ALTER EXTENSION " PLUGIN_NAME " UPDATE.' "
	"FROM pg_available_extensions WHERE name = '" PLUGIN_NAME "' "
	"AND installed_version <> default_version";

const Check checks[] = {
	{.name = "server", .sql = server},
	{.name = "encryption", .sql = tls},
	{.name = "wal_level", .sql = wal_level},
	{.name = "max_replication_slots", .sql = slots},
	{.name = "max_wal_senders", .sql = walsenders},
	{.name = "wal_sender_timeout", .sql = sender_timeout},
	{.name = "max_slot_wal_keep_size", .sql = keep_size},
	{.name = "idle_replication_slot_timeout", .since = 18, .sql = idle},
	{.name = "standby", .sql = feedback},
	{.name = "failover", .sql = failover_old},
	{.name = "failover", .since = 17, .sql = failover},
	{.name = "max_prepared_transactions", .sql = prepared},
	{.name = "slot", .sql = slot},
	{.name = "other slots", .sql = unread},
	{.name = "encoding", .sql = encoding},
	{.name = "extension", .sql = extension},
	{.name = "patterns", .build = check_build_patterns},
	{.name = "tables", .build = check_build_tables},
	{.name = "publications", .build = check_build_publications},
	{.name = "published tables", .build = check_build_published},
};

const size_t checks_count = sizeof(checks) / sizeof(checks[0]);
