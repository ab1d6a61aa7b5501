/*
 * plans.c
 *		The plans of all tables that a stream has told of.
 *
 * Of assemble.c.  The server tells of a table once in a connection, and again
 * whenever it may have changed; most often it has not.
 */
#include "client/source/plans.h"

#include <stdlib.h>

#include "client/source/host.h"

static Plan *
find(Plans *plans, uint32_t relid)
{
	if (plans->last == NULL || plans->last->relid != relid)
		plans->last = oidmap_get(&plans->map, relid);
	return plans->last;
}

static Plan *
get(Plans *plans, uint32_t relid)
{
	Plan *plan = find(plans, relid);

	if (plan != NULL)
		return plan;
	plan = source_scratch(NULL, sizeof(Plan));
	*plan = (Plan){.relid = relid};
	oidmap_put(&plans->map, relid, plan, source_scratch);
	return plan;
}

static void
keep_message(Plan *plan, const char *bytes, size_t len)
{
	plan->message = source_scratch(plan->message, len);
	memcpy(plan->message, bytes, len);
	plan->message_len = len;
}

bool
plans_take(Plans *plans, const PlanContext *context, const PgRelation *relation,
		   const char *bytes, size_t len, PlanQuestion *question)
{
	Plan *plan = get(plans, relation->relid);

	if (plan->complete && plan->message_len == len &&
		memcmp(plan->message, bytes, len) == 0)
		return true;
	if (!plan_is_possible(context, plan, *relation, question))
	{
		/* Asked for, it is as if it were new. */
		plan_clear(plan);
		return false;
	}
	plan_clear(plan);
	keep_message(plan, bytes, len);
	plan_make(context, plan, *relation);
	return true;
}

void
plans_asked(Plans *plans, const Catalog *catalog, uint32_t relid)
{
	get(plans, relid)->asked_at = catalog->asked_at;
}

static void
renew(Plan *plan, const PlanContext *context)
{
	PgReader reader = pg_reader(plan->message + 1, plan->message_len - 1);
	PgRelation relation;

	if (!pg_read_relation(&reader, &relation))
		return;
	plan_clear(plan);
	plan_make(context, plan, relation);
}

Plan *
plans_get(Plans *plans, const PlanContext *context, uint32_t relid)
{
	Plan *plan = find(plans, relid);

	if (plan == NULL || !plan->complete)
		return NULL;
	if (plan->version != context->catalog->version)
		renew(plan, context);
	return plan;
}

static void
forget(Plan *plan)
{
	plan_clear(plan);
	free(plan->message);
	plan->message = NULL;
	plan->message_len = 0;
	plan->asked_at = 0;
}

void
plans_forget(Plans *plans)
{
	for (uint32_t i = 0; i < plans->map.size; i++)
		if (plans->map.slots[i].item != NULL)
			forget(plans->map.slots[i].item);
}

void
plans_free(Plans *plans)
{
	plans_forget(plans);
	for (uint32_t i = 0; i < plans->map.size; i++)
	{
		Plan *plan = plans->map.slots[i].item;

		if (plan != NULL)
			free(plan->told);
		free(plan);
	}
	free(plans->map.slots);
	*plans = (Plans){.last = NULL};
}
