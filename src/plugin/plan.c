/*
 * plan.c
 *		The plan of a table, from the catalogs.
 *
 * relation.c says when, and keeps it; describe.c makes the event that tells
 * readers of it.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "utils/lsyscache.h"

#include "plugin/columns.h"
#include "plugin/describe.h"
#include "plugin/key_columns.h"
#include "plugin/plan.h"
#include "plugin/publication.h"

/* A column of a tuple, as sets of key columns have it. */
static int
column_number(int attindex)
{
	return attindex + 1 - FirstLowInvalidHeapAttributeNumber;
}

/* False: the reader is not sent this column. */
static bool
build_field(EtfTypeBuilder *builder, EtfPlan *plan, Form_pg_attribute column,
			bool identity)
{
	EtfField *field = &plan->fields[plan->nfields];
	Mask mask = {.kind = MASK_NONE};

	if (plan->names != NULL &&
		!etf_column_sent(plan->names, NameStr(column->attname), identity,
						 &mask))
		return false;
	etf_field_build(builder, plan->fields, plan->nfields, column);
	if (mask.kind != MASK_NONE)
		field->type = etf_mask_type(field->type, column->atttypid, &mask);
	return true;
}

static void
add_field(EtfTypeBuilder *builder, EtfPlan *plan, Form_pg_attribute column,
		  int attindex, const Bitmapset *identity)
{
	EtfField *field = &plan->fields[plan->nfields];
	bool key = bms_is_member(column_number(attindex), identity);

	if (!build_field(builder, plan, column, key))
		return;
	field->attindex = attindex;
	if (key)
		plan->keys[plan->nkeys++] = *field;
	plan->nfields++;
}

/*
 * Fields for these columns of the table that is described, and for those of
 * them that are in the identity of the one whose tuples come.
 */
static void
build_fields(EtfTypeBuilder *builder, EtfPlan *plan, Relation described,
			 TupleDesc tuple, const Bitmapset *columns,
			 const Bitmapset *identity)
{
	TupleDesc desc = RelationGetDescr(described);

	plan->fields = palloc(sizeof(EtfField) * (bms_num_members(columns) + 1));
	plan->keys = palloc(sizeof(EtfField) * (bms_num_members(identity) + 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		int attindex;

		if (!bms_is_member(column->attnum, columns))
			continue;
		attindex = etf_published_place(tuple, column);
		if (attindex >= 0)
			add_field(builder, plan, column, attindex, identity);
	}
}

static EtfTuple
make_tuple(int natts)
{
	return (EtfTuple){.values = palloc(sizeof(Datum) * Max(natts, 1)),
					  .nulls = palloc(sizeof(bool) * Max(natts, 1))};
}

/* An ERROR about a schema that is not in the catalogs would come back. */
static const char *
schema_name(Oid schema)
{
	const char *name = get_namespace_name(schema);

	return name != NULL ? name : "";
}

/* A partition may be described as its root. */
static Relation
open_described(const EtfPlan *plan, Relation relation)
{
	Relation described;

	if (plan->relid == RelationGetRelid(relation))
		return relation;
	described = RelationIdGetRelation(plan->relid);
	if (!RelationIsValid(described))
		elog(ERROR, "could not open relation with OID %u", plan->relid);
	return described;
}

static void
close_described(Relation described, Relation relation)
{
	if (described != relation)
		RelationClose(described);
}

/* What asking leaves behind does not stay with the plan. */
static void
find_published(EtfSession *session, EtfTypeBuilder *builder, Relation relation,
			   EtfPublished *published)
{
	MemoryContext caller = MemoryContextSwitchTo(session->change_context);

	etf_published_find(session, relation, published);
	MemoryContextSwitchTo(caller);
	builder->relation_oids =
		list_concat(builder->relation_oids, published->ancestors);
}

static void
name_plan(EtfPlan *plan, Relation described)
{
	plan->schema = schema_name(RelationGetNamespace(described));
	plan->name = pstrdup(RelationGetRelationName(described));
}

/* Only REPLICA IDENTITY FULL has the old row to compare with. */
static void
compare_updates(const EtfOptions *options, EtfPlan *plan, Relation relation)
{
	Bitmapset *primary;

	if (!plan->full ||
		(options->updates == UPDATES_FULL && !options->skip_unchanged))
		return;
	plan->same = palloc0(sizeof(bool) * Max(plan->natts, 1));
	plan->changed_only = options->updates == UPDATES_CHANGED;
	plan->skip_unchanged = options->skip_unchanged;
	primary = etf_primary_columns(relation);
	for (int i = 0; i < plan->nfields; i++)
		plan->fields[i].always =
			bms_is_member(column_number(plan->fields[i].attindex), primary);
}

static void
restrict_columns(EtfSession *session, EtfTypeBuilder *builder, EtfPlan *plan,
				 Relation described, Relation relation)
{
	EtfTableNames *names = palloc(sizeof(EtfTableNames));

	etf_table_names(names, session->options, relation, described);
	builder->relation_oids =
		list_concat(builder->relation_oids, names->ancestors);
	plan->names = names;
}

/* Columns of the described table, rows of the one whose changes come. */
static void
build_rows(EtfSession *session, EtfTypeBuilder *builder, EtfPlan *plan,
		   Relation described, Relation relation, const EtfPublished *published)
{
	MemoryContext caller = MemoryContextSwitchTo(session->change_context);
	Bitmapset *columns = etf_published_columns(published, described);
	Bitmapset *identity = plan->full ? NULL : etf_identity_columns(relation);

	MemoryContextSwitchTo(caller);
	if (etf_columns_restricted(session->options))
		restrict_columns(session, builder, plan, described, relation);
	build_fields(builder, plan, described, RelationGetDescr(relation), columns,
				 identity);
	plan->filter =
		etf_row_filter_build(published, described, RelationGetDescr(relation),
							 session->change_context);
	plan->new_row = make_tuple(plan->natts);
	plan->old_row = make_tuple(plan->natts);
	compare_updates(session->options, plan, relation);
}

/*
 * The extension's own table, where clients keep what they have read, is no news
 * to them.  Only its name makes one look any further.
 */
static bool
is_own_table(Oid relid, const char *name)
{
	Oid extension;
	const char *owner;

	if (strcmp(name, "etf_backfill") != 0)
		return false;
	extension = getExtensionOfObject(RelationRelationId, relid);
	owner = OidIsValid(extension) ? get_extension_name(extension) : NULL;
	return owner != NULL && strcmp(owner, "pg_etf_decoding") == 0;
}

void
etf_plan_build(EtfSession *session, EtfTypeBuilder *builder, EtfPlan *plan,
			   Relation relation)
{
	EtfPublished published;
	Relation described;

	find_published(session, builder, relation, &published);
	plan->relid = published.relid;
	plan->natts = RelationGetNumberOfAttributes(relation);
	plan->identity = relation->rd_rel->relreplident;
	plan->full = plan->identity == REPLICA_IDENTITY_FULL;
	described = open_described(plan, relation);
	name_plan(plan, described);
	if (options_want_table(session->options, plan->schema, plan->name) &&
		!is_own_table(plan->relid, plan->name))
		plan->actions = session->options->actions & published.actions;
	if (plan->actions != 0)
		build_rows(session, builder, plan, described, relation, &published);
	close_described(described, relation);
}

/* Only the event's own bytes stay with the plan. */
void
etf_plan_describe(EtfSession *session, EtfPlan *plan, Relation relation)
{
	Relation described = open_described(plan, relation);
	MemoryContext caller = MemoryContextSwitchTo(session->change_context);
	const char *event = etf_describe_relation(&session->options->forms, plan,
											  described, &plan->event_len);

	MemoryContextSwitchTo(caller);
	close_described(described, relation);
	plan->event = memcpy(palloc(plan->event_len), event, plan->event_len);
	plan->event_hash =
		hash_bytes_extended((const uint8 *) event, plan->event_len, 0);
}
