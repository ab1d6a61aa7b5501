/*
 * test_backfill_state.c
 *		Ranges cover a table once, and a state comes back as it was.
 */
#include "client/backfill/backfill_state.h"
#include "client/backfill/trouble.h"

#include "check.h"

#define BLOCK 8192
#define BLOCKS_MAX UINT32_MAX

/* Every block once, in order, and what the table grew by with the last. */
static void
check_cover(uint64_t blocks)
{
	Ranges ranges;
	uint64_t next = 0;

	ranges_plan(&ranges, blocks, BLOCK);
	CHECK(ranges.count >= 1 && ranges.count <= RANGES_MAX);
	for (uint32_t i = 0; i < ranges.count; i++)
	{
		BlockRange range = ranges_at(&ranges, i);

		CHECK(range.from == next);
		CHECK((range.blocks == 0) == (i == ranges.count - 1));
		next += range.blocks;
	}
	CHECK(blocks == 0 || next < blocks);
	CHECK(ranges.count == RANGES_MAX || ranges.step * BLOCK == RANGE_BYTES ||
		  ranges.step > RANGE_BYTES / BLOCK);
}

static void
ranges_cover_all_blocks_once(void)
{
	const uint64_t step = RANGE_BYTES / BLOCK;
	const uint64_t edges[] = {0,
							  1,
							  step - 1,
							  step,
							  step + 1,
							  step * RANGES_MAX,
							  step * RANGES_MAX + 1,
							  BLOCKS_MAX};

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		check_cover(edges[i]);
	for (int i = 0; i < 500; i++)
		check_cover(chance() % ((uint64_t) 1 << (1 + chance() % 32)));
}

/* In any order: none twice, none left out, and the blocks add up. */
static void
ranges_are_done_in_any_order(void)
{
	for (int round = 0; round < 100; round++)
	{
		uint64_t blocks = chance() % (200 * (RANGE_BYTES / BLOCK));
		Ranges ranges;
		uint32_t done = 0;

		ranges_plan(&ranges, blocks, BLOCK);
		while (!ranges_all_done(&ranges))
		{
			uint32_t next =
				ranges_next(&ranges, (uint32_t) (chance() % ranges.count));

			if (next == ranges.count)
				next = ranges_next(&ranges, 0);
			CHECK(next < ranges.count && !ranges_is_done(&ranges, next));
			CHECK(ranges_blocks_done(&ranges) <= blocks);
			ranges_set_done(&ranges, next);
			ranges_set_done(&ranges, next);
			done++;
		}
		CHECK(done == ranges.count);
		CHECK(ranges_next(&ranges, 0) == ranges.count);
		CHECK(ranges_blocks_done(&ranges) == blocks);
		ranges_restart(&ranges);
		CHECK(ranges_next(&ranges, 0) == 0 && ranges_blocks_done(&ranges) == 0);
	}
}

static void
estimates_are_of_what_is_known(void)
{
	Estimate by_blocks = estimate_of(&(TableRead){
		.rows = 500, .here = 500, .ms = 1000, .done = 25, .blocks = 100});
	Estimate by_rows = estimate_of(
		&(TableRead){.rows = 500, .here = 250, .ms = 1000, .known = 1000});
	Estimate unknown =
		estimate_of(&(TableRead){.rows = 500, .here = 0, .known = -1});
	Estimate beyond = estimate_of(&(TableRead){.rows = 500, .known = 100});

	CHECK(by_blocks.rows == 2000 && by_blocks.percent == 25);
	CHECK(by_blocks.rate == 500 && by_blocks.eta == 3);
	CHECK(by_rows.rows == 1000 && by_rows.percent == 50);
	CHECK(by_rows.rate == 250 && by_rows.eta == 2);
	CHECK(unknown.rows == 500 && unknown.percent == 0 && unknown.eta == 0);
	CHECK(beyond.rows == 500 && beyond.percent == 100);
}

static void
arrays_are_read_as_the_server_prints_them(void)
{
	static const char *const bad[] = {"", "a", "{", "{a", "{\"a}", "{a}b"};
	Texts texts = {0};
	StrBuf sql = {0};

	CHECK(texts_parse(&texts, "{}") && texts.count == 0);
	CHECK(texts_parse(&texts, "{a,\"b \\\"c\\\\,\",\"\",\"{}\"}"));
	CHECK(texts.count == 4 && strcmp(texts.items[0], "a") == 0);
	CHECK(strcmp(texts.items[1], "b \"c\\,") == 0);
	CHECK(texts.items[2][0] == '\0' && strcmp(texts.items[3], "{}") == 0);
	texts_put(&texts, &sql);
	CHECK(strcmp(sql.data, "ARRAY[E'a', E'b \"c\\\\,', E'', E'{}']"
						   "::pg_catalog.text[]") == 0);
	strbuf_free(&sql);
	texts_free(&texts);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		CHECK_THAT(!texts_parse(&texts, bad[i]), "%s", bad[i]);
		texts_free(&texts);
	}
}

static char *
random_text(void)
{
	char *text = malloc(8);
	size_t len = chance() % 7;

	for (size_t i = 0; i < len; i++)
		text[i] = (char) (1 + chance() % 255);
	text[len] = '\0';
	return text;
}

static char *
random_name(void)
{
	char *name = random_text();

	if (name[0] == '\0')
		strcpy(name, "x");
	return name;
}

static void
add_texts(Texts *texts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
	{
		char *text = random_text();

		texts_add(texts, text, strlen(text));
		free(text);
	}
}

static void
add_place(BackfillTable *table)
{
	uint32_t columns = table->key.count;

	table->order = columns > 0 ? chance() % BACKFILL_ORDERS : chance() % 2;
	if (table->order == ORDER_RANGES)
	{
		ranges_plan(&table->ranges, table->pages, BLOCK);
		for (int i = 0; i < 5; i++)
			ranges_set_done(&table->ranges,
							(uint32_t) (chance() % table->ranges.count));
	}
	add_texts(&table->last, chance() % 2 * columns);
	add_texts(&table->bound, chance() % 2 * columns);
	table->keyed = chance() % 2;
	for (uint64_t i = chance() % 6; columns > 0 && i > 0; i--)
	{
		Texts key = {0};

		add_texts(&key, columns);
		table_add_moved(table, &key);
	}
	table_drop_moved(table, table->moved_count / 2);
	table->next_block = chance() % 100;
	table->horizon = chance();
	table->rows = chance();
	table->bytes = chance();
	table->starts = (uint32_t) chance();
}

static void
add_table(BackfillState *state)
{
	BackfillTable *table = backfill_state_add(state);

	table->oid = (uint32_t) chance();
	table->told_as = (uint32_t) chance();
	table->filenode = (uint32_t) chance();
	table->schema = random_name();
	table->name = random_name();
	table->identity = "difn"[chance() % 4];
	add_texts(&table->key, chance() % 4);
	table->collation = random_text();
	table->where = random_text();
	table->pages = chance() % BLOCKS_MAX;
	table->toast_pages = chance() % 2;
	table->known_rows = chance() % 2 ? -1.0 : (double) (chance() % 1000000);
	table->status = chance() % BACKFILL_STATUSES;
	add_place(table);
}

static BackfillState
random_state(void)
{
	BackfillState state = {.mode = chance() % BACKFILL_MODES,
						   .slot = random_text(),
						   .system_identifier = random_text(),
						   .timeline = (uint32_t) chance(),
						   .patterns = random_text(),
						   .chunk = chance()};
	int tables = chance() % 5;

	for (int i = 0; i < tables; i++)
		add_table(&state);
	return state;
}

static bool
moved_equal(const BackfillTable *a, const BackfillTable *b)
{
	if (a->moved_count != b->moved_count)
		return false;
	for (uint32_t i = 0; i < a->moved_count; i++)
	{
		if (!texts_equal(&a->moved[i], &b->moved[i]))
			return false;
	}
	return true;
}

static bool
tables_equal(const BackfillTable *a, const BackfillTable *b)
{
	return a->oid == b->oid && a->told_as == b->told_as &&
		   a->filenode == b->filenode && moved_equal(a, b) &&
		   strcmp(a->schema, b->schema) == 0 && strcmp(a->name, b->name) == 0 &&
		   a->identity == b->identity && texts_equal(&a->key, &b->key) &&
		   strcmp(a->collation, b->collation) == 0 &&
		   strcmp(a->where, b->where) == 0 && a->pages == b->pages &&
		   a->toast_pages == b->toast_pages && a->known_rows == b->known_rows &&
		   a->order == b->order && a->status == b->status &&
		   memcmp(&a->ranges, &b->ranges, sizeof(Ranges)) == 0 &&
		   a->next_block == b->next_block && texts_equal(&a->last, &b->last) &&
		   a->keyed == b->keyed && texts_equal(&a->bound, &b->bound) &&
		   a->horizon == b->horizon && a->rows == b->rows &&
		   a->bytes == b->bytes && a->starts == b->starts;
}

static void
check_equal(const BackfillState *a, const BackfillState *b)
{
	CHECK(a->mode == b->mode && strcmp(a->slot, b->slot) == 0);
	CHECK(strcmp(a->system_identifier, b->system_identifier) == 0);
	CHECK(a->timeline == b->timeline && a->chunk == b->chunk);
	CHECK(strcmp(a->patterns, b->patterns) == 0);
	if (!CHECK(a->count == b->count))
		return;
	for (uint32_t i = 0; i < a->count; i++)
		CHECK(tables_equal(&a->tables[i], &b->tables[i]));
}

/* Cut anywhere, it is refused, and nothing of it is left. */
static void
check_cut(const char *bytes, size_t len)
{
	size_t cut = chance() % len;
	void *copy = exact_copy(bytes, cut);
	BackfillState state;

	CHECK(backfill_state_decode(copy, cut, &state) != NULL);
	CHECK(state.tables == NULL && state.slot == NULL);
	free(copy);
}

static void
a_state_comes_back_as_it_was(void)
{
	for (int i = 0; i < 500; i++)
	{
		BackfillState state = random_state();
		BackfillState back;
		size_t len = 0;
		char *bytes = backfill_state_encode(&state, &len);
		const char *error = backfill_state_decode(bytes, len, &back);

		if (CHECK(error == NULL))
			check_equal(&state, &back);
		check_cut(bytes, len);
		backfill_state_free(&state);
		backfill_state_free(&back);
		free(bytes);
	}
}

static void
biggest_tables_come_first(void)
{
	BackfillState state = {0};

	for (uint32_t i = 0; i < 100; i++)
	{
		BackfillTable *table = backfill_state_add(&state);

		table->oid = 1 + i;
		table->pages = chance() % 1000;
		table->toast_pages = chance() % 1000;
	}
	backfill_state_sort(&state);
	for (uint32_t i = 1; i < state.count; i++)
		CHECK(state.tables[i - 1].pages + state.tables[i - 1].toast_pages >=
			  state.tables[i].pages + state.tables[i].toast_pages);
	CHECK(backfill_state_find(&state, 7)->oid == 7);
	CHECK(backfill_state_find(&state, 101) == NULL);
	backfill_state_free(&state);
}

static void
troubles_are_told_apart(void)
{
	static const struct
	{
		const char *sqlstate;
		ReaderTrouble trouble;
	} cases[] = {{"55P03", TROUBLE_BUSY},	   {"40001", TROUBLE_BUSY},
				 {"55000", TROUBLE_REWRITTEN}, {"42P01", TROUBLE_GONE},
				 {"42501", TROUBLE_REFUSED},   {"22012", TROUBLE_REFUSED},
				 {"53200", TROUBLE_BUSY},	   {"", TROUBLE_REFUSED},
				 {"57P01", TROUBLE_LOST},	   {"57014", TROUBLE_BUSY}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_THAT(trouble_of(cases[i].sqlstate) == cases[i].trouble, "%s",
				   cases[i].sqlstate);
}

int
main(void)
{
	ranges_cover_all_blocks_once();
	ranges_are_done_in_any_order();
	estimates_are_of_what_is_known();
	arrays_are_read_as_the_server_prints_them();
	a_state_comes_back_as_it_was();
	biggest_tables_come_first();
	troubles_are_told_apart();
	return check_done();
}
