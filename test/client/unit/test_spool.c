/*
 * test_spool.c
 *		Streams in files: what comes out is what was not rolled back.
 *
 * Streams with savepoints are made by chance and compared with a model: a list
 * of events, each with the (sub)transaction that it is of.
 */
#include <sys/resource.h>

#include "spooled.h"

#define MODEL_EVENTS 2000
#define MODEL_DEPTH 6

typedef struct Model
{
	uint64_t events[MODEL_EVENTS];
	int count;
	uint64_t received;
	/* Savepoints that are open: their number, and where they began. */
	uint32_t xids[MODEL_DEPTH];
	int starts[MODEL_DEPTH];
	bool shown[MODEL_DEPTH];
	int depth;
	uint32_t next_xid;
	bool begun;
} Model;

static void
model_frame(Model *model, uint32_t top)
{
	uint32_t count = 1 + chance_below(4);
	uint32_t xid = model->depth > 0 ? model->xids[model->depth - 1] : top;

	if (model->count + (int) count > MODEL_EVENTS)
		return;
	CHECK(put(!model->begun, top, xid, model->received, count,
			  model->received) == SPOOL_KEPT);
	for (uint32_t i = 0; i < count; i++)
		model->events[model->count++] = model->received + i;
	model->received += count;
	model->begun = true;
	for (int i = 0; i < model->depth; i++)
		model->shown[i] = true;
}

static void
model_savepoint(Model *model)
{
	if (model->depth == MODEL_DEPTH)
		return;
	model->xids[model->depth] = model->next_xid++;
	model->starts[model->depth] = model->count;
	model->shown[model->depth++] = false;
}

/*
 * Roll back to a savepoint: those in it are aborted first, as the server says
 * it.  One that did nothing, or only its children did, has no frame.
 */
static void
model_rollback(Model *model, uint32_t top)
{
	int keep;

	if (model->depth == 0)
		return;
	keep = (int) chance_below((uint32_t) model->depth);
	for (int i = model->depth - 1; i >= keep; i--)
		CHECK(put_abort(top, model->xids[i]) == SPOOL_KEPT);
	model->count = model->starts[keep];
	model->depth = keep;
}

/*
 * A savepoint that is released belongs to its parent; when that is rolled
 * back, the server aborts both, and so does this model: it stays open here,
 * and what follows is the parent's.
 */
static void
run_model(uint32_t top)
{
	static Model model;
	uint64_t numbers[MODEL_EVENTS];

	model = (Model){.next_xid = top + 1};
	model_frame(&model, top);
	for (int steps = (int) chance_below(60); steps > 0; steps--)
	{
		uint32_t step = chance_below(10);

		if (step < 5)
			model_frame(&model, top);
		else if (step < 8)
			model_savepoint(&model);
		else
			model_rollback(&model, top);
	}
	CHECK(replay_all(chance_below(2) == 0, top, numbers) == model.count);
	CHECK(memcmp(numbers, model.events,
				 (size_t) model.count * sizeof(uint64_t)) == 0);
	CHECK(spool_find(&spool, top)->events == (uint64_t) model.count);
	spool_drop(&spool, spool_find(&spool, top));
	CHECK(spool.bytes == 0 && spool.count == 0 && spool.labels == 0);
}

static void
test_savepoints(void)
{
	spool_init(&spool, NULL, NO_LIMIT);
	for (uint32_t i = 0; i < 2000; i++)
		run_model(1000 * i + 1);
}

/* A released savepoint, its parent rolled back: the parent's label is later. */
static void
test_released(void)
{
	uint64_t numbers[16];

	CHECK(put(true, 10, 10, 0, 1, 0) == SPOOL_KEPT);
	CHECK(put(false, 10, 12, 1, 1, 1) == SPOOL_KEPT);
	CHECK(put(false, 10, 11, 2, 1, 2) == SPOOL_KEPT);
	CHECK(put(false, 10, 10, 3, 1, 3) == SPOOL_KEPT);
	CHECK(put_abort(10, 12) == SPOOL_KEPT);
	CHECK(put_abort(10, 11) == SPOOL_KEPT);
	CHECK(put(false, 10, 10, 4, 2, 4) == SPOOL_KEPT);
	CHECK(replay_all(false, 10, numbers) == 3);
	CHECK(numbers[0] == 0 && numbers[1] == 4 && numbers[2] == 5);
	spool_clear(&spool);
}

/* Several at once, one begun anew, one void, one of which all is cut off. */
static void
test_streams(void)
{
	uint64_t numbers[16];

	CHECK(put(true, 1, 1, 0, 2, 10) == SPOOL_KEPT);
	CHECK(put(true, 2, 2, 0, 2, 20) == SPOOL_KEPT);
	CHECK(put(false, 1, 1, 2, 1, 12) == SPOOL_KEPT);
	CHECK(put(true, 3, 4, 0, 1, 30) == SPOOL_KEPT);
	CHECK(spool.count == 3);
	CHECK(put(true, 2, 2, 0, 1, 25) == SPOOL_KEPT && spool.count == 3);
	CHECK(put_abort(3, 4) == SPOOL_KEPT);
	CHECK(replay_all(false, 3, numbers) == 0);
	CHECK(replay_all(true, 2, numbers) == 1 && numbers[0] == 25);
	CHECK(replay_all(false, 1, numbers) == 3 && numbers[2] == 12);
	CHECK(put_abort(1, 1) == SPOOL_KEPT && spool_find(&spool, 1) == NULL);
	CHECK(put_abort(1, 1) == SPOOL_KEPT && put_abort(2, 99) == SPOOL_KEPT);
	spool_clear(&spool);
	CHECK(spool.count == 0 && spool.bytes == 0 && spool.labels == 0);
}

static void
test_wrong(void)
{
	CHECK(put(false, 1, 1, 0, 1, 0) == SPOOL_WRONG);
	CHECK(put(true, 1, 1, 1, 1, 0) == SPOOL_WRONG);
	CHECK(put(true, 1, 1, 0, 1, 0) == SPOOL_KEPT);
	CHECK(put(false, 1, 1, 2, 1, 0) == SPOOL_WRONG);
	CHECK(put(false, 1, 1, 0, 1, 0) == SPOOL_WRONG);
	spool_clear(&spool);
}

#define MANY 1000

static void
test_many_streams(void)
{
	uint64_t numbers[4];

	for (uint32_t i = 1; i <= MANY; i++)
		CHECK(put(true, i, i, 0, 1, i) == SPOOL_KEPT);
	CHECK(spool.count == MANY);
	for (uint32_t i = MANY; i > 0; i -= 2)
		CHECK(put_abort(i, i) == SPOOL_KEPT);
	for (uint32_t i = 1; i <= MANY; i += 2)
	{
		CHECK(replay_all(false, i, numbers) == 1 && numbers[0] == i);
		spool_drop(&spool, spool_find(&spool, i));
	}
	CHECK(spool.count == 0 && spool.bytes == 0);
}

int
main(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	test_savepoints();
	test_released();
	test_streams();
	test_wrong();
	test_many_streams();
	free(out.data);
	return check_done();
}
