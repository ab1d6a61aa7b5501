/*
 * catalog_changes.c
 *		Count changes of functions, types and relations that are watched.
 */
#include "postgres.h"

#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "plugin/catalog_changes.h"

static uint64 changes; /* 0: nobody has asked so far */
static List *watched;  /* in TopMemoryContext */

static void
count_change(void)
{
	list_free(watched);
	watched = NIL;
	changes++;
}

static void
on_syscache(Datum arg, int cacheid, uint32 hashvalue)
{
	count_change();
}

static void
on_relcache(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || list_member_oid(watched, relid))
		count_change();
}

uint64
catalog_changes(void)
{
	if (changes == 0)
	{
		CacheRegisterSyscacheCallback(PROCOID, on_syscache, (Datum) 0);
		CacheRegisterSyscacheCallback(TYPEOID, on_syscache, (Datum) 0);
		CacheRegisterSyscacheCallback(ENUMOID, on_syscache, (Datum) 0);
		CacheRegisterRelcacheCallback(on_relcache, (Datum) 0);
		changes = 1;
	}
	return changes;
}

void
catalog_watch(const List *relations)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	watched = list_concat_unique_oid(watched, relations);
	MemoryContextSwitchTo(caller);
}
