/*
 * exact_plan.c
 *		The tables of a round, as of its snapshot.
 *
 * Called by exact_round.c; plan.c knows what an earlier round means for them.
 */
#include "client/engine/exact_plan.h"

#include <stdio.h>
#include <string.h>

#include "client/backfill/plan.h"
#include "client/engine/exact_ranges.h"
#include "client/engine/exact_reading.h"
#include "client/engine/exact_tell.h"

bool
plan_ask(Engine *engine, Failure *failure)
{
	Exact *exact = &engine->exact;
	StrBuf sql = {0};

	if (!exact->reading->begin(engine, &exact->keeper, failure))
		return false;
	exact->asked = 0;
	exact->reading->put_plan(engine, &exact->keeper, exact->snapshot, &sql);
	reader_run(&exact->keeper, &sql);
	return true;
}

bool
plan_asks_more(Engine *engine)
{
	Exact *exact = &engine->exact;
	StrBuf sql = {0};

	if (!exact->reading->put_question(engine, exact->asked, &sql))
		return false;
	exact->asked++;
	reader_run(&exact->keeper, &sql);
	return true;
}

static void
tell_plan(void *arg, PlanNews news, const BackfillTable *table)
{
	if (news == PLAN_AGAIN)
		tell_table(arg, "table_again", table, "interrupted");
	else
		tell_table(arg, "table_done", table, "dropped");
}

/* Rows without a key cannot be told from those that the stream brought. */
void
plan_tell_keyless(Engine *engine)
{
	Exact *exact = &engine->exact;

	for (uint32_t i = 0; i < exact->state.count && !exact->fresh; i++)
	{
		const BackfillTable *table = &exact->state.tables[i];

		if (table->key.count == 0 && table->status == TABLE_PLANNED)
			tell_table(engine, "table_again", table, "keyless");
	}
}

static bool
set_conditions(Exact *exact)
{
	for (uint32_t i = 0; i < exact->state.count; i++)
	{
		BackfillTable *table = &exact->state.tables[i];
		const char *where =
			request_where(&exact->request, table->schema, table->name);

		free(table->where);
		table->where = strdup(where != NULL ? where : "");
		if (table->where == NULL)
			return false;
	}
	return true;
}

static bool
name_state(Engine *engine)
{
	BackfillState *state = &engine->exact.state;
	const char *texts[] = {engine->settings->slot,
						   engine->stream.system_identifier,
						   engine->exact.request.tables};
	char **places[] = {&state->slot, &state->system_identifier,
					   &state->patterns};

	state->timeline = engine->stream.timeline;
	state->chunk = engine->exact.chunk;
	for (int i = 0; i < 3; i++)
	{
		free(*places[i]);
		*places[i] = strdup(texts[i] != NULL ? texts[i] : "");
		if (*places[i] == NULL)
			return false;
	}
	return true;
}

/* The tables themselves. */
static bool
take_tables(Engine *engine)
{
	Exact *exact = &engine->exact;
	const PGresult *result = exact->keeper.db.result;
	BackfillState plan = {0};
	StrBuf unreadable = {0};
	bool done = plan_take(result, reading_published(exact),
						  exact->request.tables, &plan, &unreadable) &&
				plan_merge(&exact->state, &plan,
						   plan_is_later(&exact->state, exact->request.tables),
						   exact->keeper.block_size, tell_plan, engine) &&
				set_conditions(exact) && name_state(engine) &&
				ranges_prepare(engine);

	if (done && plan.count > 0)
		snprintf(exact->snapshot, sizeof(exact->snapshot), "%s",
				 db_value(&exact->keeper.db, "snapshot"));
	backfill_state_free(&plan);
	strbuf_free(&unreadable);
	return done;
}

bool
plan_answered(Engine *engine, Failure *failure)
{
	Exact *exact = &engine->exact;

	if (exact->asked > 0)
		return exact->reading->take_answer(engine, exact->asked - 1,
										   exact->keeper.db.result, failure);
	if (take_tables(engine))
		return true;
	failure_set(failure, FAIL_INTERNAL, "out of memory");
	return false;
}
