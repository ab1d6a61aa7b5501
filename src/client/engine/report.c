/*
 * report.c
 *		Reports to the consumer: the connection, the slot, statistics.
 *
 * Called by all files of the engine; docs/port.md lists the keys.
 */
#include "client/engine/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/base/clock.h"

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* Our plugin's frames are terms already. */
static const char *
stream_format(const Stream *stream)
{
	if (stream->plugin == PLUGIN_OURS)
		return "etf";
	return stream->pgoutput.text ? "text" : "binary";
}

void
report_connected(Engine *engine)
{
	const Stream *stream = &engine->stream;
	const PGconn *conn = stream->db.conn;
	const Field fields[] = {
		field_text("slot", engine->settings->slot),
		field_text("host", PQhost(conn)),
		field_number("port", strtoul(PQport(conn), NULL, 10)),
		field_text("dbname", PQdb(conn)),
		field_text("system_identifier", stream->system_identifier),
		field_number("timeline", stream->timeline),
		field_atom("in_recovery", stream->in_recovery ? "true" : "false"),
		field_number("server_version", (uint64_t) stream->server_version),
		field_number("backend_pid", (uint64_t) stream->backend_pid),
		field_number("server_lsn", stream->server_lsn),
		field_number("confirmed_lsn", stream->confirmed),
		field_number("start_lsn", engine->feedback.flushed),
		field_atom("created", stream->created ? "true" : "false"),
		field_number("wal_sender_timeout", stream->sender_timeout),
		field_number("reconnects", engine->stats.reconnects),
		field_atom("plugin", plugin_choices[stream->plugin]),
		field_atom("format", stream_format(stream)),
	};

	consumer_report(engine->consumer, "status", "connected", fields,
					COUNT(fields));
}

void
report_disconnected(Engine *engine, const char *reason)
{
	const Field fields[] = {
		field_atom("reason", reason),
		field_number("flushed_lsn", engine->feedback.flushed),
		field_number("delivered_lsn", engine->feedback.delivered),
	};

	consumer_report(engine->consumer, "status", "disconnected", fields,
					COUNT(fields));
}

void
report_standby(Engine *engine)
{
	const Field fields[] = {
		field_number("holder_pid", (uint64_t) engine->stream.holder_pid),
		field_number("confirmed_lsn", engine->stream.confirmed),
		field_number("since", clock_unix_ms()),
	};

	consumer_report(engine->consumer, "status", "standby", fields,
					COUNT(fields));
}

void
report_free(Engine *engine, uint64_t confirmed)
{
	const Field fields[] = {field_number("confirmed_lsn", confirmed)};

	consumer_report(engine->consumer, "standby", "free", fields, COUNT(fields));
}

void
report_reconnecting(Engine *engine, const Failure *failure, uint64_t delay)
{
	const Field fields[] = {
		field_atom("class", failure_info(failure->class)->name),
		field_text("message", failure->message),
		field_text("hint", failure->hint),
		field_text("sqlstate", failure->sqlstate),
		field_number("failures", engine->backoff.failures),
		field_number("delay", delay),
	};

	consumer_report(engine->consumer, "status",
					backoff_is_open(&engine->backoff) ? "open_circuit"
													  : "reconnecting",
					fields, COUNT(fields));
}

/* Reported when the server's wal_status of the slot changes. */
void
report_slot(Engine *engine)
{
	const SlotReport *slot = &engine->control.slot;
	const Field fields[] = {
		field_text("wal_status", slot->wal_status),
		field_text("reason", slot->reason),
		field_number("retained_bytes", slot->retained),
		field_number("safe_wal_size", slot->safe_size),
	};

	if (!slot->found || strcmp(slot->wal_status, engine->wal_status) == 0)
		return;
	snprintf(engine->wal_status, sizeof(engine->wal_status), "%s",
			 slot->wal_status);
	consumer_report(engine->consumer, "status", "slot", fields, COUNT(fields));
}

/* Resident memory in bytes; 0 where /proc does not tell. */
static uint64_t
resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long long size;
	unsigned long long resident = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t) sysconf(_SC_PAGESIZE);
}

static const char *
phase_name(const Engine *engine)
{
	if (engine->phase == ENGINE_STREAMING && engine->source.asks)
		return "catalogs";
	if (engine->phase == ENGINE_STREAMING)
		return engine->stalled_at != 0 ? "stalled" : "streaming";
	if (engine->phase == ENGINE_DOWN)
		return backoff_is_open(&engine->backoff) ? "open_circuit"
												 : "reconnecting";
	if (engine->phase == ENGINE_STANDBY || engine->phase == ENGINE_ASKING)
		return "standby";
	return engine->phase == ENGINE_PARKED		? "parked"
		   : engine->phase == ENGINE_SNAPSHOT	? "snapshot"
		   : engine->phase == ENGINE_CONNECTING ? "connecting"
												: "stopping";
}

void
report_stats(Engine *engine)
{
	const Stats *stats = &engine->stats;
	const Credit *credit = &engine->credit;
	const Feedback *feedback = &engine->feedback;
	const SlotReport *slot = &engine->control.slot;
	uint64_t lag = engine->server_lsn > feedback->flushed
					   ? engine->server_lsn - feedback->flushed
					   : 0;
	const Field fields[] = {
		field_atom("state", phase_name(engine)),
		field_number("frames", stats->frames),
		field_number("sent_events", credit->sent_events),
		field_number("sent_bytes", credit->sent_bytes),
		field_number("granted_events", credit->granted_events),
		field_number("granted_bytes", credit->granted_bytes),
		field_number("transactions", stats->transactions),
		field_number("repeated_frames", stats->repeats),
		field_number("rewinds", stats->rewinds),
		field_number("keepalives", stats->keepalives),
		field_number("statuses", stats->statuses),
		field_number("reconnects", stats->reconnects),
		field_number("stalls", stats->stalls),
		field_number("streams", stats->streams),
		field_number("streams_aborted", stats->streams_aborted),
		field_number("open_streams", engine->spool.count),
		field_number("spooled_bytes", engine->spool.bytes),
		field_number("unacknowledged", feedback->pending.count),
		field_number("received_lsn", feedback->received),
		field_number("delivered_lsn", feedback->delivered),
		field_number("flushed_lsn", feedback->flushed),
		field_number("server_lsn", engine->server_lsn),
		field_number("lag_bytes", lag),
		field_text("wal_status", slot->wal_status),
		field_number("retained_bytes", slot->retained),
		field_number("safe_wal_size", slot->safe_size),
		field_number("catalog_xmin_age", slot->xmin_age),
		field_number("rss", resident_bytes()),
	};

	engine->stats_at = engine->now;
	consumer_report(engine->consumer, "stats", NULL, fields, COUNT(fields));
}
