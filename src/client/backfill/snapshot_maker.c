/*
 * snapshot_maker.c
 *		A snapshot at a known place of the stream, beside a slot that is there.
 */
#include "client/backfill/snapshot_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/base/strbuf.h"
#include "client/link/session.h"

void
snapshot_maker_open(SnapshotMaker *maker, const Settings *settings,
					const Hosts *hosts, OutputPlugin plugin, int64_t now)
{
	snapshot_maker_close(maker);
	*maker = (SnapshotMaker){.settings = settings, .plugin = plugin};
	if (hosts != NULL)
		maker->db.host_order = *hosts;
	snprintf(maker->slot, sizeof(maker->slot), "etf_%d_%08lx", (int) getpid(),
			 (unsigned long) random() & 0xFFFFFFFF);
	db_open(&maker->db, settings, true);
	maker->give_up_at =
		now + (int64_t) settings->connect_timeout * (maker->db.hosts + 1);
}

void
snapshot_maker_close(SnapshotMaker *maker)
{
	db_close(&maker->db);
	maker->creates = false;
}

/*
 * Its creation waits for transactions that run: lock_timeout bounds that.  The
 * settings of the stream's slot mean nothing for this one.
 */
static bool
pin(SnapshotMaker *maker)
{
	StrBuf sql = {0};
	bool sent;

	strbuf_puts(&sql, "SELECT ");
	session_pin(&sql);
	strbuf_putf(&sql,
				", pg_catalog.set_config('lock_timeout', '%llums', false)",
				(unsigned long long) maker->settings->connect_timeout / 2);
	sent = !sql.failed && db_send(&maker->db, STAGE_SETUP, sql.data);
	strbuf_free(&sql);
	return sent;
}

static bool
create(SnapshotMaker *maker)
{
	StrBuf sql = {0};
	bool sent;

	slot_put_create(&sql, maker->slot, maker->plugin,
					PQserverVersion(maker->db.conn),
					&(SlotKind){.temporary = true, .exports = true});
	sent = !sql.failed && db_send(&maker->db, STAGE_CREATE, sql.data);
	maker->creates = sent;
	strbuf_free(&sql);
	return sent;
}

static MakerEvent
answered(SnapshotMaker *maker)
{
	if (!maker->pinned)
	{
		maker->pinned = true;
		return create(maker) ? MAKER_NOTHING : MAKER_FAILED;
	}
	maker->creates = false;
	maker->lsn = db_lsn(&maker->db, "consistent_point");
	snprintf(maker->snapshot, sizeof(maker->snapshot), "%s",
			 db_value(&maker->db, "snapshot_name"));
	return MAKER_DONE;
}

static MakerEvent
time_out(SnapshotMaker *maker)
{
	failure_set(&maker->db.failure, FAIL_SERVER_ERROR,
				"no snapshot was made within the time for it");
	failure_hint(&maker->db.failure, "%s", SLOT_WAIT_HINT);
	return MAKER_FAILED;
}

MakerEvent
snapshot_maker_turn(SnapshotMaker *maker, int64_t now, short revents)
{
	if (maker->db.failure.class != FAIL_NONE)
		return MAKER_FAILED;
	if (maker->lsn == 0 && now >= maker->give_up_at)
		return time_out(maker);
	switch (db_advance(&maker->db, revents))
	{
		case DB_CONNECTED:
			return pin(maker) ? MAKER_NOTHING : MAKER_FAILED;
		case DB_ANSWERED:
			return answered(maker);
		case DB_FAILED:
			return MAKER_FAILED;
		default:
			return MAKER_NOTHING;
	}
}
