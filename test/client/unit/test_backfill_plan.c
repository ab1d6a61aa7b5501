/*
 * test_backfill_plan.c
 *		What a new snapshot means for tables that were read in part.
 */
#include "client/backfill/chunks.h"
#include "client/backfill/plan.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define BLOCK_SIZE 8192

/* As the server describes it. */
static BackfillTable *
add(BackfillState *state, uint32_t oid, uint32_t filenode, uint64_t pages,
	uint64_t toast_pages)
{
	BackfillTable *table = backfill_state_add(state);

	table->oid = oid;
	table->filenode = filenode;
	table->identity = 'd';
	table->pages = pages;
	table->toast_pages = toast_pages;
	table->schema = strdup("public");
	table->name = strdup("t");
	table->collation = strdup("");
	table->told_as = oid;
	CHECK(texts_add(&table->key, "id", 2));
	return table;
}

typedef struct News
{
	uint32_t again;	  /* the sum of such tables' OIDs */
	uint32_t dropped; /* the same */
} News;

static void
note(void *arg, PlanNews news, const BackfillTable *table)
{
	News *all = arg;

	*(news == PLAN_AGAIN ? &all->again : &all->dropped) += table->oid;
}

static News
merge(BackfillState *state, BackfillState *plan, bool later)
{
	News news = {0};

	CHECK(plan_merge(state, plan, later, BLOCK_SIZE, note, &news));
	backfill_state_free(plan);
	return news;
}

/* Two ranges, of which the first one is done. */
static void
read_half(BackfillTable *table)
{
	table->status = TABLE_STARTED;
	CHECK(table->ranges.count == 2);
	ranges_set_done(&table->ranges, 0);
	table->rows = 7;
}

#define PAGES (RANGE_BYTES / BLOCK_SIZE + 1)

static void
half_read_tables_go_on_or_begin_anew(void)
{
	BackfillState state = {0};
	BackfillState plan = {0};
	News news;

	for (uint32_t oid = 1; oid <= 5; oid++)
		add(&plan, oid, oid, PAGES, oid == 3 ? 1 : 0);
	news = merge(&state, &plan, false);
	CHECK(news.again == 0 && news.dropped == 0 && state.count == 5);
	for (uint32_t i = 0; i < 5; i++)
		read_half(&state.tables[i]);

	/* Whole rows; another file; toast; toast by now; dropped. */
	add(&plan, 1, 1, PAGES + 5, 0);
	add(&plan, 2, 22, PAGES, 0);
	add(&plan, 3, 3, PAGES, 1);
	add(&plan, 4, 4, PAGES, 1);
	news = merge(&state, &plan, true);
	CHECK(news.again == 2 + 3 + 4 && news.dropped == 5);
	CHECK(state.tables[0].status == TABLE_STARTED &&
		  state.tables[0].ranges.ndone == 1 && state.tables[0].rows == 7);
	for (uint32_t i = 1; i < 4; i++)
	{
		CHECK(state.tables[i].status == TABLE_PLANNED);
		CHECK(state.tables[i].ranges.ndone == 0 && state.tables[i].rows == 0);
		CHECK(state.tables[i].starts == 1);
	}
	CHECK(state.tables[1].filenode == 22);
	CHECK(state.tables[4].status == TABLE_DROPPED);
	backfill_state_free(&state);
}

static void
full_rows_need_no_toast(void)
{
	BackfillState state = {0};
	BackfillState plan = {0};

	add(&plan, 1, 1, PAGES, 9)->identity = 'f';
	merge(&state, &plan, false);
	read_half(&state.tables[0]);
	add(&plan, 1, 1, PAGES, 9)->identity = 'f';
	CHECK(merge(&state, &plan, true).again == 0);
	CHECK(state.tables[0].ranges.ndone == 1);
	add(&plan, 1, 1, PAGES, 9);
	CHECK(merge(&state, &plan, true).again == 1);
	backfill_state_free(&state);
}

static BackfillTable *
add_keyless(BackfillState *state, uint32_t oid, uint32_t told_as)
{
	BackfillTable *table = add(state, oid, oid, PAGES, 0);

	texts_free(&table->key);
	table->told_as = told_as;
	return table;
}

static void
rows_without_a_key_are_read_at_once(void)
{
	BackfillState state = {0};
	BackfillState plan = {0};

	add_keyless(&plan, 1, 1);
	add_keyless(&plan, 2, 9);
	add_keyless(&plan, 3, 9);
	add_keyless(&plan, 4, 8);
	merge(&state, &plan, false);
	read_half(&state.tables[0]);
	state.tables[1].status = TABLE_DONE;
	state.tables[3].status = TABLE_DONE;

	/* The third one empties what the second one is told as. */
	for (uint32_t oid = 1; oid <= 4; oid++)
		add_keyless(&plan, oid, oid == 1 ? 1 : oid == 4 ? 8 : 9);
	CHECK(merge(&state, &plan, true).again == 1);
	CHECK(state.tables[0].status == TABLE_PLANNED);
	CHECK(state.tables[1].status == TABLE_PLANNED &&
		  state.tables[1].ranges.ndone == 0 && state.tables[1].starts == 1);
	CHECK(state.tables[3].status == TABLE_DONE);
	backfill_state_free(&state);
}

static void
what_is_new_is_read_or_streamed(void)
{
	BackfillState state = {0};
	BackfillState plan = {0};

	CHECK(!plan_is_later(&state, "public.*"));
	state.patterns = strdup("public.*");
	CHECK(plan_is_later(&state, "public.*"));
	CHECK(!plan_is_later(&state, "public.*,audit.*"));
	CHECK(!plan_is_later(&state, NULL));
	add(&plan, 1, 1, 0, 0);
	merge(&state, &plan, false);
	CHECK(state.tables[0].status == TABLE_PLANNED &&
		  state.tables[0].ranges.count == 1);
	add(&plan, 1, 1, 0, 0);
	add(&plan, 2, 2, 0, 0);
	merge(&state, &plan, true);
	CHECK(state.tables[0].status == TABLE_PLANNED);
	CHECK(state.tables[1].status == TABLE_DONE);
	backfill_state_free(&state);
}

static void
ranges_are_given_back(void)
{
	Ranges ranges;

	ranges_plan(&ranges, PAGES, BLOCK_SIZE);
	ranges_set_done(&ranges, 0);
	ranges_set_done(&ranges, 1);
	CHECK(ranges_all_done(&ranges));
	ranges_clear(&ranges, 0);
	ranges_clear(&ranges, 0);
	CHECK(ranges.ndone == 1 && ranges_next(&ranges, 0) == 0 &&
		  ranges_is_done(&ranges, 1));
}

static void
chunks_are_taken_once(void)
{
	Chunks chunks = {0};
	Chunk chunk;

	for (uint64_t i = 1; i <= 100; i++)
		CHECK(chunks_add(&chunks, &(Chunk){.number = i, .rows = 2 * i}));
	for (uint64_t i = 100; i >= 1; i--)
	{
		uint64_t number = i * 37 % 101;

		CHECK(chunks_take(&chunks, number, &chunk));
		CHECK(chunk.number == number && chunk.rows == 2 * number);
		CHECK(!chunks_take(&chunks, number, &chunk));
	}
	CHECK(chunks.count == 0 && !chunks_take(&chunks, 101, &chunk));
	chunks_free(&chunks);
}

int
main(void)
{
	half_read_tables_go_on_or_begin_anew();
	full_rows_need_no_toast();
	rows_without_a_key_are_read_at_once();
	what_is_new_is_read_or_streamed();
	ranges_are_given_back();
	chunks_are_taken_once();
	return check_done();
}
