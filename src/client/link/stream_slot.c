/*
 * stream_slot.c
 *		The slot that a stream is to read: is it there, ours, and free?
 *
 * A step of stream_setup.c.
 */
#include "client/link/stream_slot.h"

#include <stdio.h>
#include <string.h>

#include "client/link/identity.h"
#include "client/link/slot.h"

static bool
refuse(Stream *stream, FailureClass class, const char *message,
	   const char *value)
{
	failure_set(&stream->db.failure, class, message, value);
	return false;
}

/*
 * If the slot is missing, what follows is its creation, which may have to
 * wait for transactions that run: lock_timeout bounds that, and nothing else.
 */
void
stream_slot_build(const Stream *stream, StrBuf *sql)
{
	strbuf_puts(
		sql, "SELECT s.slot_name, s.slot_type, s.plugin, s.temporary, "
			 "s.database = pg_catalog.current_database() AS ours, "
			 "s.database, "
			 "s.confirmed_flush_lsn, s.active_pid, "
			 "pg_catalog.to_jsonb(s) ->> 'wal_status' AS wal_status, "
			 "pg_catalog.to_jsonb(s) ->> 'invalidation_reason' AS reason, "
			 "(pg_catalog.to_jsonb(s) ->> 'failover')::bool AS failover, "
			 "(pg_catalog.to_jsonb(s) ->> 'synced')::bool AS synced, "
			 "(pg_catalog.to_jsonb(s) ->> 'two_phase')::bool AS two_phase, ");
	strbuf_puts(sql, slot_decoded(stream->server_version));
	strbuf_puts(sql, " AS decoded, pg_catalog.set_config('lock_timeout', "
					 "CASE WHEN s.slot_name IS NULL THEN ");
	strbuf_putf(sql, "'%llums'",
				(unsigned long long) stream->settings->connect_timeout / 2);
	strbuf_puts(sql, " ELSE '0' END, false) "
					 "FROM (SELECT 1) AS one LEFT JOIN "
					 "pg_catalog.pg_replication_slots AS s ON s.slot_name = ");
	strbuf_put_literal(sql, stream->settings->slot);
}

/* Where no slot may be made: what it has missed would be missing silently. */
static bool
check_missing(Stream *stream)
{
	const char *slot = stream->settings->slot;

	stream->confirmed = 0;
	if (stream->resumes && stream->in_recovery)
		return identity_refuse_standby(stream);
	if (stream->resumes && stream->settings->create == CREATE_TEMPORARY)
	{
		refuse(stream, FAIL_SLOT_LOST,
			   "temporary slot \"%s\" was dropped with its connection", slot);
		failure_hint(&stream->db.failure,
					 "Changes made meanwhile are lost to this consumer. "
					 "Starting again creates a new slot, which only contains "
					 "changes made after its creation.");
		return false;
	}
	if (stream->position != 0 || stream->resumes)
		return refuse(stream, FAIL_SLOT_MISSING,
					  "slot \"%s\" no longer exists, and a new one would not "
					  "contain the changes after the stored position",
					  slot);
	if (stream->settings->create == CREATE_NONE)
		return refuse(stream, FAIL_SLOT_MISSING, "slot \"%s\" does not exist",
					  slot);
	stream->plugin = stream->settings->plugin == PLUGIN_AUTO
						 ? PLUGIN_OURS
						 : (OutputPlugin) stream->settings->plugin;
	return slot_supported(stream->settings, stream->server_version,
						  &stream->db.failure);
}

/* On a standby the server itself holds a slot that it has from its primary. */
static bool
refuse_synchronized(Stream *stream)
{
	Failure *failure = &stream->db.failure;

	failure_set(failure, FAIL_SLOT_ACTIVE,
				"slot \"%s\" is synchronized from the primary, and cannot be "
				"read before this standby is promoted",
				stream->settings->slot);
	failure_hint(failure, "Connect to the primary: list all hosts, and set "
						  "target_session_attrs=read-write.");
	return false;
}

static bool
refuse_database(Stream *stream)
{
	Failure *failure = &stream->db.failure;
	const char *database = db_value(&stream->db, "database");

	failure_set(failure, FAIL_WRONG_PLUGIN,
				"slot \"%s\" belongs to database \"%s\", but this connection "
				"is to \"%s\"",
				stream->settings->slot, database != NULL ? database : "?",
				PQdb(stream->db.conn));
	failure_hint(failure, "Connect to that database, or use another slot.");
	return false;
}

/* To read it would confirm what is in it, for whoever it belongs to. */
static bool
refuse_permanent(Stream *stream)
{
	Failure *failure = &stream->db.failure;

	failure_set(failure, FAIL_CONFIG, "slot \"%s\" exists and is not temporary",
				stream->settings->slot);
	snprintf(failure->hint, sizeof(failure->hint),
			 "Choose another name for a temporary slot. To look at the "
			 "contents of this one, use --peek without --temporary.");
	return false;
}

/* It sends rows at PREPARE, whatever it is asked for: not committed ones. */
static bool
refuse_two_phase(Stream *stream)
{
	Failure *failure = &stream->db.failure;

	failure_set(failure, FAIL_CONFIG,
				"slot \"%s\" of pgoutput is a two-phase slot",
				stream->settings->slot);
	failure_hint(failure, "With pgoutput the client reads what is committed: "
						  "use a slot without two_phase.");
	return false;
}

static bool
check_two_phase(Stream *stream)
{
	const Settings *settings = stream->settings;
	bool two_phase = db_is_true(&stream->db, "two_phase");

	stream->turns_two_phase = settings->two_phase && !two_phase;
	return slot_readable(settings, stream->server_version,
						 &stream->db.failure) &&
		   slot_fits_two_phase(settings, two_phase, stream->server_version,
							   &stream->db.failure);
}

static bool
check_usable(Stream *stream)
{
	const Db *db = &stream->db;
	const char *slot = stream->settings->slot;
	const char *plugin = db_value(db, "plugin");
	const char *status = db_value(db, "wal_status");
	const char *reason = db_value(db, "reason");

	if (!slot_plugin(stream->settings, plugin, &stream->plugin,
					 &stream->db.failure))
		return false;
	if (stream->settings->create == CREATE_TEMPORARY &&
		!db_is_true(db, "temporary"))
		return refuse_permanent(stream);
	if (!db_is_true(db, "ours"))
		return refuse_database(stream);
	if (reason != NULL)
		return refuse(stream, FAIL_SLOT_LOST,
					  "the server has invalidated the slot: %s", reason);
	if (status != NULL && strcmp(status, "lost") == 0)
		return refuse(stream, FAIL_SLOT_LOST,
					  "the server has removed WAL that slot \"%s\" needs",
					  slot);
	if (stream->plugin == PLUGIN_PGOUTPUT && db_is_true(db, "two_phase"))
		return refuse_two_phase(stream);
	stream->synced = stream->in_recovery && db_is_true(&stream->db, "synced");
	if (stream->synced)
		return refuse_synchronized(stream);
	stream->without_failover =
		stream->settings->failover && !db_is_true(&stream->db, "failover");
	return check_two_phase(stream);
}

/*
 * The current reader moves the slot: do not compare positions now.  After
 * it was created, a temporary slot is held by this session.
 */
static bool
check_free(Stream *stream)
{
	Failure *failure = &stream->db.failure;
	int pid = (int) db_number(&stream->db, "active_pid");

	stream->holder_pid = pid != stream->backend_pid ? pid : 0;
	if (stream->holder_pid == 0)
		return true;
	failure_set(failure, FAIL_SLOT_ACTIVE, "slot \"%s\" is active for PID %d",
				stream->settings->slot, pid);
	snprintf(failure->sqlstate, sizeof(failure->sqlstate), "55006");
	return false;
}

bool
stream_slot_check(Stream *stream)
{
	if (db_value(&stream->db, "slot_name") == NULL)
		return check_missing(stream);
	stream->found_decoded = db_number(&stream->db, "decoded");
	if (!check_usable(stream) || !check_free(stream))
		return false;
	stream->confirmed = db_lsn(&stream->db, "confirmed_flush_lsn");
	if (stream->confirmed == 0)
		return refuse(stream, FAIL_SLOT_ACTIVE,
					  "slot \"%s\" is being created by another process",
					  stream->settings->slot);
	return identity_check_position(stream);
}
