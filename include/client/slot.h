/*
 * slot.h
 *		What a new slot may be, why it may take long to make one, and whose
 *		a slot is.
 */
#ifndef ETF_SLOT_H
#define ETF_SLOT_H

#include "client/failure.h"
#include "client/settings.h"

#define SLOT_WAIT_HINT                                                     \
	"A new slot waits for the transactions that run (pg_stat_activity); "  \
	"on a standby, for its primary: run SELECT pg_log_standby_snapshot() " \
	"there."

/* Has this server the properties that were asked for?  False: see failure. */
extern bool slot_supported(const Settings *settings, int server_version,
						   Failure *failure);

/* Was it made with our plugin (NULL: with none)?  False: see failure. */
extern bool slot_is_ours(const char *slot, const char *plugin,
						 Failure *failure);

/*
 * How many transactions the server has decoded from the slot "s" of a query, 0
 * where it does not count them (before 14): a slot that was made anew begins
 * with none.
 */
extern const char *slot_decoded(int server_version);

#endif
