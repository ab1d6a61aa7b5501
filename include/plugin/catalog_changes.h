/*
 * catalog_changes.h
 *		Have the catalogs changed under a plan that is kept from call to call?
 *
 *		if (plan == NULL || plan->changes != catalog_changes())
 *			plan = a new one, with the number from before it was built
 *		catalog_watch(relations whose rows are part of it)
 *
 * Any change of a function or type counts, and one of a relation that somebody
 * watches.  Such changes are rare, and a plan is cheap.
 */
#ifndef ETF_CATALOG_CHANGES_H
#define ETF_CATALOG_CHANGES_H

#include "nodes/pg_list.h"

/* Those that this process has been told, in a number that grows. */
extern uint64 catalog_changes(void);

/* Forgotten at the next change: whoever then makes a new plan watches anew. */
extern void catalog_watch(const List *relations);

#endif
