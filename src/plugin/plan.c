/*
 * plan.c
 *		The plan of a table, from the catalogs.
 *
 * relation.c says when, and keeps it; describe.c makes the event that tells
 * readers of it.
 */
#include "postgres.h"

#include "catalog/pg_publication.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "plugin/describe.h"
#include "plugin/filter.h"
#include "plugin/plan.h"

static void
build_fields(EtfRelation *plan, Relation relation, EtfTypeBuilder *builder)
{
	TupleDesc desc = RelationGetDescr(relation);
	Bitmapset *identity =
		plan->full ? NULL : relation_identity_columns(relation);

	plan->fields = palloc(sizeof(EtfField) * Max(desc->natts, 1));
	plan->keys = palloc(sizeof(EtfField) * (bms_num_members(identity) + 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute_in_tuple(attribute))
			continue;
		etf_field_build(builder, plan->fields, plan->nfields, attribute);
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

/* An ERROR about a schema that is not in the catalogs would come back. */
static const char *
schema_name(Oid schema)
{
	const char *name = get_namespace_name(schema);

	return name != NULL ? name : "";
}

void
etf_plan_build(EtfTypeBuilder *builder, EtfRelation *plan, Relation relation)
{
	Form_pg_class form = relation->rd_rel;

	plan->schema = schema_name(form->relnamespace);
	plan->name = pstrdup(NameStr(form->relname));
	plan->natts = RelationGetNumberOfAttributes(relation);
	plan->full = form->relreplident == REPLICA_IDENTITY_FULL;
	plan->wanted = is_publishable_relation(relation) &&
				   etf_table_wanted(builder->options, plan->schema, plan->name);
	if (plan->wanted)
		build_fields(plan, relation, builder);
}

/* Only the event's own bytes stay with the plan. */
void
etf_plan_describe(EtfSession *session, EtfRelation *plan, Relation relation)
{
	MemoryContext caller = MemoryContextSwitchTo(session->change_context);
	const char *event = etf_describe_relation(session->options, plan, relation,
											  &plan->event_len);

	MemoryContextSwitchTo(caller);
	plan->event = memcpy(palloc(plan->event_len), event, plan->event_len);
}
