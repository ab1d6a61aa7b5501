/*
 * exact_desk.c
 *		The connection that plans an exact backfill, and keeps what is done.
 *
 * Called by exact.c.  What is wrong is found here, before a slot is made or a
 * snapshot taken: the extension, rights, patterns, conditions.
 */
#include "client/engine/exact_desk.h"

#include <stdlib.h>
#include <string.h>

#include "client/backfill/plan.h"
#include "client/backfill/store.h"
#include "client/engine/attempt.h"
#include "client/engine/exact_keep.h"
#include "client/engine/exact_reading.h"
#include "client/engine/exact_tell.h"

/* Between attempts to connect. */
#define RETRY_MIN_MS 200
#define RETRY_MAX_MS 10000

void
exact_clear(Engine *engine)
{
	Exact *exact = &engine->exact;

	for (int i = 0; i < BACKFILL_JOBS_MAX; i++)
	{
		free(exact->jobs[i].frame.block);
		reader_close(&exact->jobs[i].reader);
	}
	reader_close(&exact->desk);
	reader_close(&exact->keeper);
	snapshot_maker_close(&exact->maker);
	history_close(&exact->history);
	backfill_state_free(&exact->state);
	backfill_state_free(&exact->plan);
	chunks_free(&exact->chunks);
	request_free(&exact->request);
	settings_free(&exact->settings);
	published_free(&exact->published);
	free(exact->tables);
	*exact = (Exact){0};
}

/* Before the first stream it is a failure of all. */
void
desk_refuse(Engine *engine, const Failure *failure)
{
	Failure copy = *failure; /* it may belong to what is closed here */
	bool first = engine->exact.first;

	tell_failed(engine, engine->exact.request.id, &copy);
	exact_clear(engine);
	if (first)
		attempt_abandon(engine, &copy);
}

void
desk_refuse_state(Engine *engine, const char *wrong)
{
	Failure failure;

	failure_set(&failure, FAIL_CONFIG,
				"what was kept of backfill \"%s\" cannot be used: %s",
				engine->exact.request.id, wrong);
	failure_hint(&failure, "Use another id, or remove it: then all is read.");
	desk_refuse(engine, &failure);
}

void
desk_open(Engine *engine)
{
	Exact *exact = &engine->exact;
	bool pinned = engine->control.server != 0;

	exact->stage = EXACT_OPENING;
	if (exact->desk_backoff.max_ms == 0)
		backoff_init(&exact->desk_backoff, RETRY_MIN_MS, RETRY_MAX_MS, 0);
	if (exact->first)
		engine_set_phase(engine, ENGINE_SNAPSHOT);
	reader_open(&exact->desk, READER_USE_COPY, engine->settings,
				pinned ? &engine->control.db.host_order : NULL,
				engine->control.server, engine->stream.system_identifier,
				engine->now);
}

static void
load(Engine *engine)
{
	Exact *exact = &engine->exact;
	StrBuf sql = {0};

	exact->stage = EXACT_LOADING;
	store_put_load(exact->desk.schema, engine->settings->slot,
				   exact->request.id, &sql);
	reader_run(&exact->desk, &sql);
}

static void
plan(Engine *engine)
{
	Exact *exact = &engine->exact;
	StrBuf sql = {0};

	exact->stage = EXACT_PLANNING;
	strbuf_puts(&sql, "SET row_security = off; ");
	exact->reading->put_plan(engine, &exact->desk, NULL, &sql);
	reader_run(&exact->desk, &sql);
}

void
desk_forget_state(Engine *engine)
{
	Exact *exact = &engine->exact;

	if (exact->loaded)
		tell_anew(engine);
	backfill_state_free(&exact->state);
	exact->loaded = exact->nothing_left = false;
}

static bool
take_state(Engine *engine, const char *bytes, size_t len)
{
	Exact *exact = &engine->exact;
	const char *wrong = backfill_state_decode(bytes, len, &exact->state);

	if (wrong == NULL && exact->state.mode != BACKFILL_EXACT)
		wrong = "it is of mode incremental";
	else if (wrong == NULL &&
			 strcmp(exact->state.slot, engine->settings->slot) != 0)
		wrong = "it is of another slot";
	exact->loaded = wrong == NULL;
	if (wrong != NULL)
		desk_refuse_state(engine, wrong);
	else if (engine->stream.created)
		desk_forget_state(engine);
	return wrong == NULL;
}

static void
loaded(Engine *engine)
{
	Exact *exact = &engine->exact;
	const char *hex = db_value(&exact->desk.db, "state");
	size_t len;
	char *bytes;
	bool good;

	if (hex != NULL && hex[0] != '\0')
	{
		bytes = store_from_hex(hex, &len);
		good = bytes != NULL && take_state(engine, bytes, len);
		free(bytes);
		if (!good)
			return;
	}
	plan(engine);
}

/* What can be known before anything is read. */
static void
refuse(Engine *engine, const char *what, const char *tables, const char *hint)
{
	Failure failure;

	failure_set(&failure, FAIL_CONFIG, "%s: %s", what, tables);
	failure_hint(&failure, "%s", hint);
	desk_refuse(engine, &failure);
}

/* By what was kept; of a slot that is yet to be made nothing was. */
static bool
is_anything_left(Exact *exact, const BackfillState *plan)
{
	bool later = plan_is_later(&exact->state, exact->request.tables);

	for (uint32_t i = 0; i < plan->count; i++)
	{
		const BackfillTable *known =
			backfill_state_find(&exact->state, plan->tables[i].oid);

		if (known != NULL ? known->status != TABLE_DONE : !later)
			return true;
	}
	return false;
}

/* It can be. */
static void
begin(Engine *engine)
{
	Exact *exact = &engine->exact;

	exact->nothing_left = !is_anything_left(exact, &exact->plan);
	tell_started(engine, &exact->plan);
	backfill_state_free(&exact->plan);
	exact->stage = EXACT_WAITING;
	exact->planned = true;
	exact->make_at = engine->now;
	if (exact->first)
		attempt_begin(engine);
}

static const char *
condition_of(const Exact *exact, uint32_t i)
{
	const BackfillTable *table = &exact->plan.tables[i];

	return request_where(&exact->request, table->schema, table->name);
}

/* No row is read, but each condition is parsed, one after the other. */
static void
check_condition(Engine *engine, uint32_t i)
{
	Exact *exact = &engine->exact;
	StrBuf sql = {0};

	exact->stage = EXACT_CHECKING;
	while (i < exact->plan.count && condition_of(exact, i) == NULL)
		i++;
	exact->checked = i;
	if (i == exact->plan.count)
	{
		if (!keep_request(engine))
			begin(engine);
		return;
	}
	exact->reading->put_check(engine, &exact->plan.tables[i],
							  condition_of(exact, i), &sql);
	reader_run(&exact->desk, &sql);
}

static void
planned(Engine *engine)
{
	Exact *exact = &engine->exact;
	StrBuf unreadable = {0};
	StrBuf lacking = {0};
	Failure failure;

	if (!plan_take(exact->desk.db.result, reading_published(exact),
				   exact->request.tables, &exact->plan, &unreadable))
	{
		failure_set(&failure, FAIL_INTERNAL, "out of memory");
		desk_refuse(engine, &failure);
	}
	else if (reading_lacks(engine, &lacking))
		refuse(engine, PLAN_MISSING, lacking.data, PLAN_MISSING_HINT);
	else if (unreadable.len > 0)
		refuse(engine, PLAN_UNREADABLE, unreadable.data, PLAN_UNREADABLE_HINT);
	else
		check_condition(engine, 0);
	strbuf_free(&unreadable);
	strbuf_free(&lacking);
}

static void
ready(Engine *engine)
{
	Exact *exact = &engine->exact;
	Failure failure;

	if (exact->stage != EXACT_OPENING)
		return;
	if (!reading_begin(engine, &failure))
		desk_refuse(engine, &failure);
	else if (exact->request.store == STORE_SERVER)
		load(engine);
	else if (exact->request.state == NULL ||
			 take_state(engine, exact->request.state, exact->request.state_len))
		plan(engine);
}

static void
answered(Engine *engine)
{
	Exact *exact = &engine->exact;

	backoff_reset(&exact->desk_backoff);
	if (exact->saving)
	{
		exact->saving = exact->unkept_told = false;
		unkept_saved(&exact->keys);
	}
	else if (exact->stage == EXACT_LOADING)
		loaded(engine);
	else if (exact->stage == EXACT_PLANNING)
		planned(engine);
	else if (exact->stage == EXACT_CHECKING)
		check_condition(engine, exact->checked + 1);
	else if (exact->stage == EXACT_KEEPING)
		begin(engine);
}

/* Whatever the server does not understand, it will not understand later. */
static void
begin_failed(Engine *engine)
{
	Exact *exact = &engine->exact;
	Failure failure = exact->desk.db.failure;
	ReaderTrouble trouble = exact->desk.trouble;
	bool is_known = exact->loaded || exact->stage > EXACT_LOADING;
	bool passes = trouble_passes(trouble, failure.class) ||
				  (trouble == TROUBLE_LOST &&
				   request_waits(&exact->request, is_known, failure.class));

	if (exact->stage == EXACT_LOADING || exact->stage == EXACT_KEEPING)
		store_explain(&failure);
	if (exact->stage == EXACT_KEEPING && !passes)
	{
		tell_unkept(engine, &failure);
		begin(engine);
		return;
	}
	if (trouble != TROUBLE_LOST && trouble != TROUBLE_BUSY)
		failure.class = FAIL_CONFIG;
	if (exact->stage == EXACT_CHECKING && failure.class == FAIL_CONFIG)
		plan_name_condition(&failure, &exact->plan.tables[exact->checked],
							condition_of(exact, exact->checked));
	reader_close(&exact->desk);
	exact->stage = EXACT_OPENING;
	if (!passes)
		desk_refuse(engine, &failure);
	else if (exact->first)
		attempt_failed(engine, &failure);
	else
	{
		tell_delayed(engine, &failure);
		exact->desk_at = engine->now + backoff_fail(&exact->desk_backoff,
													(uint32_t) random());
	}
}

static void
failed(Engine *engine)
{
	Exact *exact = &engine->exact;

	if (exact->stage < EXACT_WAITING)
	{
		begin_failed(engine);
		return;
	}
	store_explain(&exact->desk.db.failure);
	if (exact->saving)
		tell_unkept(engine, &exact->desk.db.failure);
	exact->dirty |= exact->saving;
	exact->saving = false;
	unkept_failed(&exact->keys);
	reader_close(&exact->desk);
	exact->desk_at =
		engine->now + backoff_fail(&exact->desk_backoff, (uint32_t) random());
}

static void
open_again(Engine *engine)
{
	Exact *exact = &engine->exact;
	bool begins = exact->stage == EXACT_OPENING;

	/* Before the first stream the engine says when. */
	if (exact->desk.state != READER_CLOSED || (begins && exact->first) ||
		!engine_due(engine, exact->desk_at))
		return;
	if (begins)
		desk_open(engine);
	else if (exact->dirty && exact->request.store == STORE_SERVER)
		reader_open(&exact->desk, READER_USE_COPY, engine->settings,
					&engine->control.db.host_order, engine->control.server,
					engine->stream.system_identifier, engine->now);
}

void
desk_turn(Engine *engine, short revents)
{
	Exact *exact = &engine->exact;

	open_again(engine);
	switch (reader_turn(&exact->desk, engine->now, revents, true))
	{
		case READER_READY:
			ready(engine);
			break;
		case READER_DONE:
			answered(engine);
			break;
		case READER_FAILED:
			failed(engine);
			break;
		default:
			break;
	}
	keep_turn(engine);
}
