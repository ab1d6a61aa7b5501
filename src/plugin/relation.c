/*
 * relation.c
 *		Plans of tables: built, kept, and thrown away at the right moment.
 *
 * change.c asks for the plan of each change's table; row.c and the encoders
 * work from it.  Plans lie in a hash table by OID under ctx->context.  The
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
#include "catalog/pg_publication.h"
#include "catalog/pg_type.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "plugin/describe.h"
#include "plugin/filter.h"
#include "plugin/relation.h"

typedef struct EtfRelationCache
{
	HTAB *plans;		  /* Oid of a table to EtfRelation */
	HTAB *type_hashes;	  /* syscache hash of every pg_type row in use */
	HTAB *type_relations; /* Oid of every composite type's relation */
	EtfRelation *last;	  /* the plan that the last change used */
	uint64 epoch;		  /* plans of an earlier one are stale */
	MemoryContext context;
} EtfRelationCache;

static EtfRelationCache *active = NULL;

static void
relation_changed(Datum arg, Oid relid)
{
	EtfRelation *plan;

	if (active == NULL)
		return;
	plan = hash_search(active->plans, &relid, HASH_FIND, NULL);
	if (plan != NULL)
		plan->valid = false;
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
	cache->plans = make_table("pg_etf_decoding plans", sizeof(Oid),
							  sizeof(EtfRelation), cache->context);
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

static void
build_fields(EtfRelation *plan, Relation relation, EtfTypeBuilder *builder)
{
	TupleDesc desc = RelationGetDescr(relation);
	Bitmapset *identity =
		plan->full ? NULL : relation_identity_columns(relation);

	plan->fields = palloc(sizeof(EtfField) * Max(desc->natts, 1));
	plan->keys = palloc(sizeof(EtfField) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute_in_tuple(attribute))
			continue;
		etf_field_build(builder, &plan->fields[plan->nfields], attribute);
		if (bms_is_member(attribute->attnum -
							  FirstLowInvalidHeapAttributeNumber,
						  identity))
			plan->keys[plan->nkeys++] = plan->fields[plan->nfields];
		plan->nfields++;
	}
	plan->values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	plan->nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	plan->old_values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	plan->old_nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
}

/* Fill in a plan whose context is new and current. */
static void
build_plan(EtfSession *session, EtfRelation *plan, Relation relation)
{
	EtfTypeBuilder builder = {session->options, NIL, NIL};
	Form_pg_class form = relation->rd_rel;

	plan->schema = get_namespace_name(form->relnamespace);
	plan->name = pstrdup(NameStr(form->relname));
	plan->full = form->relreplident == REPLICA_IDENTITY_FULL;
	plan->wanted = is_publishable_relation(relation) &&
				   etf_table_wanted(session->options, plan->schema, plan->name);
	if (!plan->wanted)
		return;
	build_fields(plan, relation, &builder);
	watch_types(session->relations, &builder);
	plan->event = etf_describe_relation(session->options, plan, relation,
										&plan->event_len);
}

/*
 * ANALYZE and much else invalidate without a change that shows: the session
 * has been told when the relation event is still the same.
 */
static bool
same_event(const EtfRelation *a, const EtfRelation *b)
{
	return a->event_len == b->event_len && a->event != NULL &&
		   memcmp(a->event, b->event, a->event_len) == 0;
}

/*
 * The marks are set before the plan is built, so that an invalidation that
 * arrives meanwhile is not lost.
 */
static void
rebuild_plan(EtfSession *session, EtfRelation *plan, Relation relation)
{
	EtfRelationCache *cache = session->relations;
	EtfRelation old = *plan;
	MemoryContext caller;

	memset(plan, 0, sizeof(*plan));
	plan->relid = old.relid;
	plan->epoch = cache->epoch;
	plan->valid = true;
	plan->context = AllocSetContextCreate(
		cache->context, "pg_etf_decoding relation", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(plan->context);
	build_plan(session, plan, relation);
	MemoryContextSwitchTo(caller);
	plan->told = old.told && same_event(&old, plan);
	plan->frame = plan->told ? old.frame : 0;
	if (old.context != NULL)
		MemoryContextDelete(old.context);
}

EtfRelation *
etf_relation_get(EtfSession *session, Relation relation)
{
	EtfRelationCache *cache = session->relations;
	Oid relid = RelationGetRelid(relation);
	EtfRelation *plan = cache->last;
	bool found = true;

	if (plan == NULL || plan->relid != relid)
		plan = hash_search(cache->plans, &relid, HASH_ENTER, &found);
	if (!found)
		memset((char *) plan + sizeof(Oid), 0,
			   sizeof(EtfRelation) - sizeof(Oid));
	if (!plan->valid || plan->epoch != cache->epoch)
		rebuild_plan(session, plan, relation);
	cache->last = plan;
	return plan;
}
