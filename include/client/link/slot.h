/*
 * slot.h
 *		What a new slot may be, why it may take long to make one, and whose
 *		a slot is.
 */
#ifndef ETF_SLOT_H
#define ETF_SLOT_H

#include "client/base/failure.h"
#include "client/base/settings.h"
#include "client/base/strbuf.h"

#define SLOT_WAIT_HINT                                            \
	"Creating a slot waits for running transactions to finish "   \
	"(pg_stat_activity); on a standby it waits for the primary: " \
	"run SELECT pg_log_standby_snapshot() there."

/* The name of an exported snapshot, as long as any server has made one. */
#define SNAPSHOT_NAME_SIZE 64

/* What a slot is to be made as. */
typedef struct SlotKind
{
	bool temporary;
	bool exports; /* a snapshot of its first position */
	bool two_phase;
	bool failover;
} SlotKind;

/* CREATE_REPLICATION_SLOT */
extern void slot_put_create(StrBuf *sql, const char *name, OutputPlugin plugin,
							int server_version, const SlotKind *kind);

/* Has this server the properties that were asked for?  False: see failure. */
extern bool slot_supported(const Settings *settings, int server_version,
						   Failure *failure);

/* And what reading a slot was asked for with? */
extern bool slot_readable(const Settings *settings, int server_version,
						  Failure *failure);

/* Does the property of a slot fit what was asked for?  False: see failure. */
extern bool slot_fits_two_phase(const Settings *settings, bool two_phase,
								int server_version, Failure *failure);

/*
 * Can a slot of this plugin (NULL: of none) be read, and is it the one that was
 * asked for, if any?  False: see failure.
 */
extern bool slot_plugin(const Settings *settings, const char *plugin,
						OutputPlugin *found, Failure *failure);

/*
 * How many transactions the server has decoded from the slot "s" of a query, 0
 * where it does not count them (before 14): a slot that was made anew begins
 * with none.
 */
extern const char *slot_decoded(int server_version);

#endif
