/*
 * inc_plan.c
 *		The tables of an incremental backfill, as they are now.
 */
#include "client/backfill/inc_plan.h"

#include <stdlib.h>
#include <string.h>

#include "client/backfill/plan.h"

/* Since then a range of rows' places is found without reading the rest. */
#define VERSION_TID_RANGE 140000

void
inc_plan_build(const Incremental *inc, StrBuf *sql)
{
	plan_build(&inc->desk, inc->settings, inc->request.tables, NULL, sql);
}

static bool
replace(char **text, const char *by)
{
	free(*text);
	*text = strdup(by != NULL ? by : "");
	return *text != NULL;
}

/* By blocks where each event has the whole row, and rows may move unseen. */
static BackfillOrder
order_of(const Incremental *inc, const BackfillTable *table)
{
	bool in_ranges = table->where[0] == '\0' ||
					 PQserverVersion(inc->desk.db.conn) >= VERSION_TID_RANGE;

	return table_is_whole(table) && in_ranges ? ORDER_BLOCKS : ORDER_KEYS;
}

/* Why what was read of it before does not count; NULL: it does. */
static const char *
what_changed(const BackfillTable *before, const BackfillTable *now)
{
	if (before->filenode != now->filenode)
		return "rewritten";
	if (!texts_equal(&before->key, &now->key) ||
		before->identity != now->identity || before->told_as != now->told_as)
		return "identity";
	if (strcmp(before->collation, now->collation) != 0)
		return "collation";
	if (strcmp(before->where, now->where) != 0)
		return "where";
	return NULL;
}

/* Its facts, not what is done of it. */
static void
renew(BackfillTable *table, BackfillTable *now)
{
	BackfillTable renewed = *table;

	renewed.filenode = now->filenode;
	renewed.told_as = now->told_as;
	renewed.identity = now->identity;
	renewed.schema = now->schema;
	renewed.name = now->name;
	renewed.key = now->key;
	renewed.collation = now->collation;
	renewed.where = now->where;
	renewed.known_rows = now->known_rows;
	renewed.guessed_rows = now->guessed_rows;
	renewed.lockable = now->lockable;
	now->schema = table->schema;
	now->name = table->name;
	now->key = table->key;
	now->collation = table->collation;
	now->where = table->where;
	*table = renewed;
}

static void
merge_known(Incremental *inc, uint32_t i, BackfillTable *now)
{
	BackfillTable *table = &inc->state.tables[i];
	const char *changed = what_changed(table, now);

	if (changed == NULL && table->order == ORDER_RANGES &&
		!table_is_over(table))
		changed = "interrupted";
	if (changed == NULL && table->status == TABLE_DROPPED)
		changed = "back";
	/* What was rewritten since it was done is not read again: see on_rewrite. */
	if (table->status == TABLE_DONE && changed != NULL &&
		strcmp(changed, "where") != 0)
		changed = NULL;
	renew(table, now);
	if (changed == NULL)
		return;
	inc_restart(inc, i, changed);
	table->pages = now->pages;
	table->toast_pages = now->toast_pages;
	table->order = order_of(inc, table);
}

static bool
add_table(Incremental *inc, BackfillTable *now)
{
	BackfillTable *table = backfill_state_add(&inc->state);

	if (table == NULL)
		return false;
	*table = *now;
	*now = (BackfillTable){0};
	table->order = order_of(inc, table);
	return true;
}

static uint32_t
place_of(const Incremental *inc, uint32_t oid)
{
	uint32_t i = 0;

	while (i < inc->state.count && inc->state.tables[i].oid != oid)
		i++;
	return i;
}

static void
drop_missing(Incremental *inc, BackfillState *plan)
{
	Listener to = inc_listener(inc);

	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		BackfillTable *table = &inc->state.tables[i];

		if (table_is_over(table) ||
			backfill_state_find(plan, table->oid) != NULL)
			continue;
		inc_window_forget(inc, i, "dropped");
		table->status = TABLE_DROPPED;
		inc->dirty = true;
		if (inc->started)
			announce_table(&to, "table_done", table, "dropped");
	}
}

/* What came while it was under way is in the stream from its start. */
static bool
merge(Incremental *inc, BackfillState *plan)
{
	bool later = inc->started || inc->handed_over;

	drop_missing(inc, plan);
	for (uint32_t i = 0; i < plan->count; i++)
	{
		uint32_t place = place_of(inc, plan->tables[i].oid);

		if (place < inc->state.count)
			merge_known(inc, place, &plan->tables[i]);
		else if (!later && !add_table(inc, &plan->tables[i]))
			return false;
	}
	return true;
}

static bool
make_room(Incremental *inc, uint32_t count)
{
	IncTable *tables = realloc(inc->tables, (count + 1) * sizeof(IncTable));

	if (tables == NULL)
		return false;
	inc->tables = tables;
	for (uint32_t i = inc->table_room; i < count; i++)
		tables[i] = (IncTable){0};
	inc->table_room = count;
	return true;
}

/* The state of a backfill that begins, or goes on here. */
static bool
begin_state(Incremental *inc, const StreamPlace *place)
{
	BackfillState *state = &inc->state;

	/* Who asks for it again asks for what it was. */
	state->mode = inc->handed_over ? BACKFILL_EXACT : BACKFILL_INCREMENTAL;
	state->timeline = place->stream->timeline;
	return replace(&state->slot, inc->settings->slot) &&
		   replace(&state->system_identifier,
				   place->stream->system_identifier) &&
		   replace(&state->patterns, inc->request.tables);
}

static bool
set_conditions(const Incremental *inc, BackfillState *plan)
{
	for (uint32_t i = 0; i < plan->count; i++)
	{
		BackfillTable *table = &plan->tables[i];

		if (!replace(&table->where,
					 request_where(&inc->request, table->schema, table->name)))
			return false;
	}
	return true;
}

/* Those that it can be told apart by nothing are for the other mode. */
static void
note_keyless(const BackfillState *plan, StrBuf *keyless)
{
	for (uint32_t i = 0; i < plan->count; i++)
	{
		const BackfillTable *table = &plan->tables[i];

		if (table->key.count == 0)
			strbuf_putf(keyless, "%s%s.%s", keyless->len > 0 ? ", " : "",
						table->schema, table->name);
	}
}

/* Their columns can be read, but each chunk begins with LOCK TABLE. */
static void
note_unlockable(const BackfillState *plan, StrBuf *unlockable)
{
	for (uint32_t i = 0; i < plan->count; i++)
	{
		const BackfillTable *table = &plan->tables[i];

		if (!table->lockable)
			strbuf_putf(unlockable, "%s%s.%s", unlockable->len > 0 ? ", " : "",
						table->schema, table->name);
	}
}

static bool
refuse(Incremental *inc, const char *what, const char *tables, const char *hint)
{
	Failure failure;

	failure_set(&failure, FAIL_CONFIG, "%s: %s", what, tables);
	failure_hint(&failure, "%s", hint);
	inc_fail(inc, &failure);
	return false;
}

static bool
can_be_read(Incremental *inc, const BackfillState *plan,
			const StrBuf *unreadable)
{
	StrBuf keyless = {0};
	StrBuf unlockable = {0};
	bool can = true;

	note_keyless(plan, &keyless);
	note_unlockable(plan, &unlockable);
	if (plan_is_missing(plan, &inc->state, inc->request.tables))
		can = refuse(inc, PLAN_MISSING, inc->request.tables, PLAN_MISSING_HINT);
	else if (unreadable->len > 0)
		can = refuse(inc, PLAN_UNREADABLE, unreadable->data,
					 PLAN_UNREADABLE_HINT);
	else if (keyless.len > 0)
		can = refuse(inc, "tables without a key", keyless.data,
					 "Read them in mode exact, or give them a primary key.");
	else if (unlockable.len > 0)
		can = refuse(inc, "tables of which only columns are granted",
					 unlockable.data,
					 "Read them in mode exact, or GRANT SELECT on the whole "
					 "table: LOCK TABLE needs it.");
	strbuf_free(&keyless);
	strbuf_free(&unlockable);
	return can;
}

static bool
take(Incremental *inc, const StreamPlace *place, BackfillState *plan)
{
	Failure failure;
	uint32_t most = inc->state.count + plan->count;

	if (set_conditions(inc, plan) && begin_state(inc, place) &&
		(most <= inc->table_room || make_room(inc, most)) && merge(inc, plan))
		return true;
	failure_set(&failure, FAIL_INTERNAL, "out of memory");
	inc_fail(inc, &failure);
	return false;
}

bool
inc_plan_take(Incremental *inc, const StreamPlace *place)
{
	BackfillState plan = {0};
	StrBuf unreadable = {0};
	bool done = plan_take(inc->desk.db.result, NULL, NULL, &plan, &unreadable);

	/* Later on, each table has a trouble of its own. */
	done = done &&
		   (inc->started || inc->handed_over ||
			can_be_read(inc, &plan, &unreadable)) &&
		   take(inc, place, &plan);
	backfill_state_free(&plan);
	strbuf_free(&unreadable);
	return done;
}

bool
inc_plan_check_build(Incremental *inc, StrBuf *sql)
{
	const BackfillTable *table = inc->state.tables + inc->checked;
	const BackfillTable *end = inc->state.tables + inc->state.count;

	while (table < end && (table->where[0] == '\0' || table_is_over(table)))
		table++;
	inc->checked = (uint32_t) (table - inc->state.tables);
	if (table < end)
		plan_put_check(&inc->desk, inc->settings, table->oid, table->where,
					   sql);
	return table < end;
}

void
inc_plan_lost(Incremental *inc, const char *history)
{
	uint64_t end = history_end(history, &inc->state);

	if (end == 0)
		consumer_log(inc->consumer, "warning",
					 "backfill \"%s\": the server is on another timeline, and "
					 "does not say where that began: all is read again",
					 inc->request.id);
	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		if (history_has_lost(&inc->state.tables[i], end))
			table_restart(&inc->state.tables[i]);
	}
}

Sums
inc_plan_left(const Incremental *inc)
{
	Sums sums = {0};

	for (uint32_t i = 0; i < inc->state.count; i++)
	{
		const BackfillTable *table = &inc->state.tables[i];
		double rows = table_rows(table) - (double) table->rows;

		if (table_is_over(table))
			continue;
		sums.tables++;
		sums.rows += rows > 0 ? (uint64_t) rows : 0;
		sums.bytes +=
			(table->pages + table->toast_pages) * inc->desk.block_size;
	}
	return sums;
}
