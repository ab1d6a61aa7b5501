/*
 * snapshot_maker.h
 *		A snapshot at a known place of the stream, beside a slot that is there.
 *
 * Only the creation of a slot makes one: of a temporary slot, then, which ends
 * with this connection.  The snapshot does, too, and with the next command; so
 * it is to be imported before snapshot_maker_close().
 */
#ifndef ETF_SNAPSHOT_MAKER_H
#define ETF_SNAPSHOT_MAKER_H

#include "client/link/db.h"
#include "client/link/slot.h"

typedef enum MakerEvent
{
	MAKER_NOTHING,
	MAKER_DONE,	 /* see "snapshot" and "lsn" */
	MAKER_FAILED /* see db.failure */
} MakerEvent;

typedef struct SnapshotMaker
{
	Db db;
	const Settings *settings;
	OutputPlugin plugin; /* that may be had there */
	char slot[64];
	bool pinned;		/* the session is */
	bool creates;		/* what is committed now may be in it, or not */
	int64_t give_up_at; /* until there is an answer */
	char snapshot[SNAPSHOT_NAME_SIZE];
	uint64_t lsn; /* the snapshot has what ends here or before, nothing else */
} SnapshotMaker;

/* "hosts" win over the settings; NULL: wherever these lead. */
extern void snapshot_maker_open(SnapshotMaker *maker, const Settings *settings,
								const Hosts *hosts, OutputPlugin plugin,
								int64_t now);
extern void snapshot_maker_close(SnapshotMaker *maker);

extern MakerEvent snapshot_maker_turn(SnapshotMaker *maker, int64_t now,
									  short revents);

#endif
