/*
 * trial.h
 *		What only shows when it is done: a walsender, a slot, a publication, a
 *		snapshot.
 *
 * Each is made on a connection of its own, and gone with it.  The failure says
 * why not; class FAIL_NONE: it can be done.
 */
#ifndef ETF_TRIAL_H
#define ETF_TRIAL_H

#include "client/base/failure.h"
#include "client/base/settings.h"

extern void trial_walsender(const Settings *settings, Failure *failure);

typedef struct SlotTrial
{
	bool waits;		 /* it could be made, but not within the time */
	Failure slot;	 /* why it cannot be made */
	Failure options; /* why our plugin does not take them */
} SlotTrial;

/* A temporary slot, and the options with it. */
extern void trial_slot(const Settings *settings, OutputPlugin plugin,
					   SlotTrial *trial);

/*
 * What create_publication would make, of so many tables, taken back at once.
 * False: there is nothing to be made.
 */
extern bool trial_publish(const Settings *settings, uint64_t *tables,
						  Failure *failure);

/* trial_snapshot.c: the plan of one, of so many tables. */
extern void trial_snapshot(const Settings *settings, OutputPlugin plugin,
						   uint64_t *tables, Failure *failure);

#endif
