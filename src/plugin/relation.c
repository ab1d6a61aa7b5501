/*
 * relation.c
 *		Plans of tables: built, kept, and thrown away at the right moment.
 *
 * change.c asks for the plan of each change's table; row.c and the encoders
 * work from it.  They are found by OID in a hash table under ctx->context.  The
 * invalidation callbacks cannot be unregistered and outlive a session, so
 * they are registered once per process and look at "active", which a reset
 * callback of ctx->context clears, whichever way the session ended.
 *
 * An invalidation may arrive at any catalog access, also while a plan is in
 * use.  It therefore only marks: one plan as invalid, or, by raising the
 * epoch, all of them.  Both take constant time.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat/publications.h"
#include "plugin/class_row.h"
#include "plugin/relation.h"

/* A session's plans together may take this much, and one more plan. */
#define MAX_PLAN_BYTES (64 * 1024 * 1024)

/* A plan of ten columns fits into this. */
#define PLAN_BYTES (4 * 1024)

/* A plan, and whether it still is one. */
typedef struct EtfCachedPlan
{
	EtfPlan plan;
	EtfTable *table;			/* whose plan it is */
	bool valid;					/* cleared by the relcache callback */
	bool built;					/* no ERROR came between */
	uint64 epoch;				/* of the cache, when the plan was built */
	struct EtfCachedPlan *next; /* in the list of those to be freed */
	MemoryContext context;		/* holds the plan and all that it points to */
	Size bytes;					/* what the context takes */
} EtfCachedPlan;

typedef struct EtfPlanCache
{
	HTAB *tables;		  /* Oid of a table to EtfTable */
	HTAB *type_hashes;	  /* syscache hash of every pg_type row in use */
	HTAB *type_relations; /* Oid of every composite type, and of every root */
	EtfLabels *labels;	  /* of all enums, or NULL; as of ... */
	uint64 labels_epoch;
	EtfTable *last;			/* that of the last change */
	EtfCachedPlan *invalid; /* plans that are to be freed */
	uint64 epoch;			/* plans of an earlier one are stale */
	uint64 serial;			/* of the last plan */
	Size plan_bytes;		/* what all plans take */
	uint32 swept;			/* plans met when there were too many */
	MemoryContext context;
} EtfPlanCache;

static EtfPlanCache *active = NULL;

/* It is freed later: it may be in use. */
static void
invalidate(EtfPlanCache *cache, EtfCachedPlan *cached)
{
	if (!cached->valid)
		return;
	cached->valid = false;
	cached->next = cache->invalid;
	cache->invalid = cached;
}

static void
relation_changed(Datum arg, Oid relid)
{
	EtfTable *table;

	if (active == NULL)
		return;
	table = hash_search(active->tables, &relid, HASH_FIND, NULL);
	if (table != NULL && table->cached != NULL)
		invalidate(active, table->cached);
	if (relid == InvalidOid ||
		hash_search(active->type_relations, &relid, HASH_FIND, NULL) != NULL)
		active->epoch++;
}

/*
 * CREATE TABLE makes types, too, so only those that are in use count.  A hash
 * of zero means all of them.
 */
static void
type_changed(Datum arg, int cache, uint32 hash)
{
	if (active == NULL)
		return;
	if (hash == 0 ||
		hash_search(active->type_hashes, &hash, HASH_FIND, NULL) != NULL)
		active->epoch++;
}

/*
 * An enum's label, a schema's name, a publication: rare, and cheap to be
 * generous with.
 */
static void
name_changed(Datum arg, int cache, uint32 hash)
{
	if (active != NULL)
		active->epoch++;
}

void
etf_plans_forget(void)
{
	if (active != NULL)
		active->epoch++;
}

static void
register_callbacks(void)
{
	static bool registered = false;

	if (registered)
		return;
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, type_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(ENUMOID, name_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, name_changed, (Datum) 0);
	watch_publications(name_changed);
	registered = true;
}

static void
forget_cache(void *cache)
{
	if (active == cache)
		active = NULL;
}

static HTAB *
make_table(const char *name, Size key_size, Size entry_size,
		   MemoryContext context)
{
	HASHCTL control = {0};

	control.keysize = key_size;
	control.entrysize = entry_size;
	control.hcxt = context;
	return hash_create(name, 128, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
etf_plans_init(EtfSession *session)
{
	MemoryContext parent = session->context;
	MemoryContextCallback *callback =
		MemoryContextAllocZero(parent, sizeof(MemoryContextCallback));
	EtfPlanCache *cache = MemoryContextAllocZero(parent, sizeof(EtfPlanCache));

	cache->context = AllocSetContextCreate(parent, "pg_etf_decoding relations",
										   ALLOCSET_DEFAULT_SIZES);
	cache->tables = make_table("pg_etf_decoding tables", sizeof(Oid),
							   sizeof(EtfTable), cache->context);
	cache->type_hashes = make_table("pg_etf_decoding types", sizeof(uint32),
									sizeof(uint32), cache->context);
	cache->type_relations = make_table(
		"pg_etf_decoding composites", sizeof(Oid), sizeof(Oid), cache->context);
	callback->func = forget_cache;
	callback->arg = cache;
	MemoryContextRegisterResetCallback(parent, callback);
	session->plans = active = cache;
	register_callbacks();
}

/* Plans of an earlier epoch are not used again, nor are their labels. */
static EtfLabels *
current_labels(EtfPlanCache *cache)
{
	if (cache->labels != NULL && cache->labels_epoch != cache->epoch)
	{
		etf_labels_free(cache->labels);
		cache->labels = NULL;
	}
	if (cache->labels == NULL)
		cache->labels = etf_labels_create(cache->context);
	cache->labels_epoch = cache->epoch;
	return cache->labels;
}

/* From now on a change of these types makes the plans stale. */
static void
watch_types(EtfPlanCache *cache, const EtfTypeBuilder *builder)
{
	ListCell *cell;

	foreach (cell, builder->type_oids)
	{
		uint32 hash =
			GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(lfirst_oid(cell)));

		hash_search(cache->type_hashes, &hash, HASH_ENTER, NULL);
	}
	foreach (cell, builder->relation_oids)
		hash_search(cache->type_relations, &lfirst_oid(cell), HASH_ENTER, NULL);
}

static void
drop_plan(EtfPlanCache *cache, EtfTable *table)
{
	if (table->cached == NULL)
		return;
	cache->plan_bytes -= table->cached->bytes;
	MemoryContextDelete(table->cached->context);
	table->cached = NULL;
}

/* A table that was dropped will not come back. */
static void
forget_if_gone(EtfPlanCache *cache, Oid relid)
{
	EtfTable *table = hash_search(cache->tables, &relid, HASH_FIND, NULL);
	FormData_pg_class row;

	if (table != NULL && table != cache->last && table->cached == NULL &&
		!etf_class_row(relid, &row))
		hash_search(cache->tables, &relid, HASH_REMOVE, NULL);
}

/* What plans of this epoch have told stays; a root is dropped in another. */
static void
drop_invalid_plans(EtfPlanCache *cache)
{
	while (cache->invalid != NULL)
	{
		EtfTable *table = cache->invalid->table;
		Oid described = cache->invalid->plan.relid;

		cache->invalid = cache->invalid->next;
		drop_plan(cache, table);
		if (described != table->relid)
			forget_if_gone(cache, described);
		forget_if_gone(cache, table->relid);
	}
}

/*
 * Which of the plans of many tables will not be used again is not worth
 * knowing, because a plan is quickly built again.  A quarter goes at a time:
 * of tables that come in turn the last used are not the next, so it is any.
 */
static void
drop_plans_if_large(EtfPlanCache *cache)
{
	HASH_SEQ_STATUS status;
	EtfTable *table;

	if (cache->plan_bytes < MAX_PLAN_BYTES)
		return;
	hash_seq_init(&status, cache->tables);
	while ((table = hash_seq_search(&status)) != NULL)
		if (table->cached != NULL && cache->swept++ % 4 == 0)
			drop_plan(cache, table);
}

/* An empty plan, in a context of its own, which is left as the current one. */
static EtfCachedPlan *
enter_plan(EtfPlanCache *cache, EtfTable *table)
{
	MemoryContext context =
		AllocSetContextCreate(cache->context, "pg_etf_decoding relation",
							  ALLOCSET_SMALL_MINSIZE, PLAN_BYTES, PLAN_BYTES);
	EtfCachedPlan *cached =
		MemoryContextAllocZero(context, sizeof(EtfCachedPlan));

	cached->table = table;
	cached->context = context;
	cached->epoch = cache->epoch;
	cached->valid = true;
	table->cached = cached;
	MemoryContextSwitchTo(context);
	return cached;
}

static EtfTable *
find_table(EtfPlanCache *cache, Oid relid)
{
	bool found;
	EtfTable *table = hash_search(cache->tables, &relid, HASH_ENTER, &found);

	if (!found)
		*table = (EtfTable){.relid = relid};
	return table;
}

/*
 * The marks are set before the plan is built, so that an invalidation that
 * arrives meanwhile is not lost.
 */
static void
make_plan(EtfSession *session, EtfTable *table, Relation relation)
{
	EtfPlanCache *cache = session->plans;
	MemoryContext caller = CurrentMemoryContext;
	EtfCachedPlan *cached = enter_plan(cache, table);
	EtfTypeBuilder builder = {.forms = &session->options->forms,
							  .labels = current_labels(cache)};

	etf_plan_build(session, &builder, &cached->plan, relation);
	watch_types(cache, &builder);
	if (cached->plan.actions != 0)
		etf_plan_describe(session, &cached->plan, relation);
	cached->plan.serial = ++cache->serial;
	cached->plan.told = find_table(cache, cached->plan.relid);
	cached->built = true;
	MemoryContextSwitchTo(caller);
	cached->bytes = MemoryContextMemAllocated(cached->context, true);
	cache->plan_bytes += cached->bytes;
}

/*
 * The number of columns can only differ when an invalidation was lost; the
 * plan's arrays are then too small for the tuple.
 */
static bool
usable(const EtfPlanCache *cache, const EtfCachedPlan *cached,
	   Relation relation)
{
	return cached != NULL && cached->valid && cached->built &&
		   cached->epoch == cache->epoch &&
		   cached->plan.natts == RelationGetNumberOfAttributes(relation);
}

const EtfPlan *
etf_plan_get(EtfSession *session, Relation relation)
{
	EtfPlanCache *cache = session->plans;
	Oid relid = RelationGetRelid(relation);

	if (cache->last == NULL || cache->last->relid != relid)
		cache->last = find_table(cache, relid);
	if (!usable(cache, cache->last->cached, relation))
	{
		drop_invalid_plans(cache);
		drop_plan(cache, cache->last);
		drop_plans_if_large(cache);
		make_plan(session, cache->last, relation);
	}
	return &cache->last->cached->plan;
}
