/*
 * readable.c
 *		What a reader of a table gets, and whether it may.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "plugin/columns.h"
#include "sql/reader.h"

void
etf_plan_for_reading(EtfOptions *options, EtfPlan *plan, Relation relation)
{
	EtfSession session = {.options = options,
						  .snapshot = GetActiveSnapshot(),
						  .context = CurrentMemoryContext,
						  .change_context = CurrentMemoryContext};
	EtfTypeBuilder builder = {.forms = &options->forms};

	etf_columns_check(options);
	etf_plan_build(&session, &builder, plan, relation);
	if (plan->actions != 0)
		etf_plan_describe(&session, plan, relation);
}

bool
etf_may_select(const EtfPlan *plan, Relation relation)
{
	Oid relid = RelationGetRelid(relation);

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < plan->nfields; i++)
		if (pg_attribute_aclcheck(relid, plan->fields[i].attindex + 1,
								  GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			return false;
	return true;
}

const char *
etf_why_unreadable(const EtfPlan *plan, Relation relation)
{
	if (!etf_may_select(plan, relation))
		return "no SELECT privilege on all columns";
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, true) ==
		RLS_ENABLED)
		return "row-level security applies to this role";
	return NULL;
}
