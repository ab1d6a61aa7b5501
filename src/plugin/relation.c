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

#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "plugin/plan.h"

/* A session's plans together may take this much, and one more plan. */
#define MAX_PLAN_BYTES (64 * 1024 * 1024)

/* A plan of ten columns fits into this. */
#define PLAN_BYTES (4 * 1024)

typedef struct EtfRelationCache
{
	HTAB *entries;		  /* Oid of a table to EtfRelationEntry */
	HTAB *type_hashes;	  /* syscache hash of every pg_type row in use */
	HTAB *type_relations; /* Oid of every composite type's relation */
	EtfLabels *labels;	  /* of all enums, or NULL; as of ... */
	uint64 labels_epoch;
	EtfRelationEntry *last; /* that of the last change */
	EtfRelation *invalid;	/* plans that are to be freed */
	uint64 epoch;			/* plans of an earlier one are stale */
	Size plan_bytes;		/* what all plans take */
	uint32 swept;			/* plans met when there were too many */
	MemoryContext context;
} EtfRelationCache;

static EtfRelationCache *active = NULL;

/* It is freed later: it may be in use. */
static void
invalidate(EtfRelationCache *cache, EtfRelation *plan)
{
	if (!plan->valid)
		return;
	plan->valid = false;
	plan->next_invalid = cache->invalid;
	cache->invalid = plan;
}

static void
relation_changed(Datum arg, Oid relid)
{
	EtfRelationEntry *entry;

	if (active == NULL)
		return;
	entry = hash_search(active->entries, &relid, HASH_FIND, NULL);
	if (entry != NULL && entry->relation != NULL)
		invalidate(active, entry->relation);
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

/* An enum's label or a schema's name: rare, and cheap to be generous with. */
static void
name_changed(Datum arg, int cache, uint32 hash)
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
etf_relations_init(EtfSession *session)
{
	MemoryContext parent = session->ctx->context;
	MemoryContextCallback *callback =
		MemoryContextAllocZero(parent, sizeof(MemoryContextCallback));
	EtfRelationCache *cache =
		MemoryContextAllocZero(parent, sizeof(EtfRelationCache));

	cache->context = AllocSetContextCreate(parent, "pg_etf_decoding relations",
										   ALLOCSET_DEFAULT_SIZES);
	cache->entries = make_table("pg_etf_decoding tables", sizeof(Oid),
								sizeof(EtfRelationEntry), cache->context);
	cache->type_hashes = make_table("pg_etf_decoding types", sizeof(uint32),
									sizeof(uint32), cache->context);
	cache->type_relations = make_table(
		"pg_etf_decoding composites", sizeof(Oid), sizeof(Oid), cache->context);
	callback->func = forget_cache;
	callback->arg = cache;
	MemoryContextRegisterResetCallback(parent, callback);
	session->relations = active = cache;
	register_callbacks();
}

/* Plans of an earlier epoch are not used again, nor are their labels. */
static EtfLabels *
current_labels(EtfRelationCache *cache)
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
watch_types(EtfRelationCache *cache, const EtfTypeBuilder *builder)
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

/*
 * ANALYZE and much else invalidate without a change that shows: the reader
 * has been told when the relation event is still the same.
 */
static void
compare_event(EtfRelationEntry *entry, const EtfRelation *plan)
{
	uint64 hash;

	if (!plan->wanted)
		return;
	hash = hash_bytes_extended((const unsigned char *) plan->event,
							   plan->event_len, 0);
	if (hash == entry->event_hash)
		return;
	entry->event_hash = hash;
	entry->told = false;
	entry->frame = 0;
}

static void
drop_plan(EtfRelationCache *cache, EtfRelationEntry *entry)
{
	if (entry->relation == NULL)
		return;
	cache->plan_bytes -= entry->relation->bytes;
	MemoryContextDelete(entry->relation->context);
	entry->relation = NULL;
}

/* Asked of the catalog itself: a cache would remember what is not there. */
static bool
table_is_gone(Oid relid)
{
	Relation tables = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool gone;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(tables, ClassOidIndexId, true, NULL, 1, &key);
	gone = !HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(tables, AccessShareLock);
	return gone;
}

/* A table that was dropped will come back neither for its plan nor itself. */
static void
drop_invalid_plans(EtfRelationCache *cache)
{
	while (cache->invalid != NULL)
	{
		EtfRelation *plan = cache->invalid;
		EtfRelationEntry *entry = plan->entry;

		cache->invalid = plan->next_invalid;
		drop_plan(cache, entry);
		if (entry != cache->last && table_is_gone(entry->relid))
			hash_search(cache->entries, &entry->relid, HASH_REMOVE, NULL);
	}
}

/*
 * Which of the plans of many tables will not be used again is not worth
 * knowing, because a plan is quickly built again.  A quarter goes at a time:
 * of tables that come in turn the last used are not the next, so it is any.
 */
static void
drop_plans_if_large(EtfRelationCache *cache)
{
	HASH_SEQ_STATUS status;
	EtfRelationEntry *entry;

	if (cache->plan_bytes < MAX_PLAN_BYTES)
		return;
	hash_seq_init(&status, cache->entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->relation != NULL && cache->swept++ % 4 == 0)
			drop_plan(cache, entry);
}

/*
 * The marks are set before the plan is built, so that an invalidation that
 * arrives meanwhile is not lost.
 */
static void
make_plan(EtfSession *session, EtfRelationEntry *entry, Relation relation)
{
	EtfRelationCache *cache = session->relations;
	MemoryContext context =
		AllocSetContextCreate(cache->context, "pg_etf_decoding relation",
							  ALLOCSET_SMALL_MINSIZE, PLAN_BYTES, PLAN_BYTES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	EtfRelation *plan = palloc0(sizeof(EtfRelation));
	EtfTypeBuilder builder = {.options = session->options,
							  .labels = current_labels(cache)};

	plan->entry = entry;
	plan->context = context;
	plan->epoch = cache->epoch;
	plan->valid = true;
	entry->relation = plan;
	etf_plan_build(&builder, plan, relation);
	watch_types(cache, &builder);
	if (plan->wanted)
		etf_plan_describe(session, plan, relation);
	plan->built = true;
	MemoryContextSwitchTo(caller);
	plan->bytes = MemoryContextMemAllocated(context, true);
	cache->plan_bytes += plan->bytes;
	compare_event(entry, plan);
}

/*
 * The number of columns can only differ when an invalidation was lost; the
 * plan's arrays are then too small for the tuple.
 */
static bool
usable(const EtfRelationCache *cache, const EtfRelation *plan,
	   Relation relation)
{
	return plan != NULL && plan->valid && plan->built &&
		   plan->epoch == cache->epoch &&
		   plan->natts == RelationGetNumberOfAttributes(relation);
}

EtfRelation *
etf_relation_get(EtfSession *session, Relation relation)
{
	EtfRelationCache *cache = session->relations;
	Oid relid = RelationGetRelid(relation);
	EtfRelationEntry *entry = cache->last;
	bool found = true;

	if (entry == NULL || entry->relid != relid)
		entry = hash_search(cache->entries, &relid, HASH_ENTER, &found);
	if (!found)
		memset((char *) entry + sizeof(Oid), 0,
			   sizeof(EtfRelationEntry) - sizeof(Oid));
	cache->last = entry;
	if (!usable(cache, entry->relation, relation))
	{
		drop_invalid_plans(cache);
		drop_plan(cache, entry);
		drop_plans_if_large(cache);
		make_plan(session, entry, relation);
	}
	return entry->relation;
}
