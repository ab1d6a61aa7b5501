/*
 * trial.h
 *		What only shows when it is done: a walsender, and a slot.
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

#endif
