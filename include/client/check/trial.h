/*
 * trial.h
 *		What only shows when it is done: a walsender, a slot, a publication.
 *
 * Each is made on a connection of its own, and gone with it.  The failure says
 * why not; class FAIL_NONE: it can be done.
 */
#ifndef ETF_TRIAL_H
#define ETF_TRIAL_H

#include "client/base/failure.h"
#include "client/base/settings.h"

extern void trial_walsender(const Settings *settings, Failure *failure);

/* A temporary slot.  "waits": it could be made, but not within the time. */
extern void trial_slot(const Settings *settings, OutputPlugin plugin,
					   bool *waits, Failure *failure);

/*
 * What create_publication would make, of so many tables, taken back at once.
 * False: there is nothing to be made.
 */
extern bool trial_publish(const Settings *settings, uint64_t *tables,
						  Failure *failure);

#endif
