/*
 * test_feedback.c
 *		Feedback against a model, over all short histories.
 *
 * The model is the rules and nothing else: a list of everything that was
 * delivered, of which a prefix is acknowledged.  It is slow and obvious.
 */
#include "client/engine/feedback.h"

#include "check.h"

#define DEPTH 7
#define STEP 10

/* Before where all histories begin, at 100. */
#define LATE_FIRST 90

typedef enum Op
{
	OP_PART,		/* a frame that does not end its transaction */
	OP_END,			/* one that does */
	OP_ACK_FIRST,	/* acknowledge the oldest unacknowledged end */
	OP_ACK_LAST,	/* and all of them */
	OP_ACK_BETWEEN, /* a position inside the last transaction */
	OP_ACK_AHEAD,	/* a position never delivered */
	OP_ACK_BACK,	/* a position before the confirmed one */
	OP_KEEPALIVE,	/* the server is ahead of all transactions */
	OP_RECONNECT,
	OP_LATE_PART, /* a frame of a transaction that was prepared late */
	OP_LATE_END,
	OP_COUNT
} Op;

typedef struct Model
{
	uint64_t ends[DEPTH + 1]; /* delivered */
	int count;
	int acked; /* so many of them */
	uint64_t flushed;
	uint64_t commit; /* of the open transaction, 0: none is open */
	uint64_t cut;	 /* commit of the one that must start again */
	uint64_t now;	 /* the server's position */
	uint64_t late;	 /* the latest one prepared late */
	bool late_open;	 /* which is the open one */
} Model;

static bool
model_closed(const Model *model)
{
	return model->acked == model->count && model->commit == 0 &&
		   model->cut == 0;
}

/* The server sends again what was not confirmed, and what was cut. */
static uint64_t
next_commit(Model *model)
{
	if (model->commit == 0)
		model->commit = model->cut != 0 && model->cut != model->late
							? model->cut
							: (model->now += STEP);
	return model->commit;
}

/* Whatever ends there, and however it came; a stream comes as a whole. */
static bool
is_repeat(const Feedback *feedback, uint64_t commit, uint64_t end)
{
	static const FrameKind kinds[] = {FRAME_TX, FRAME_PREPARE, FRAME_DECISION,
									  FRAME_STREAM_COMMIT,
									  FRAME_STREAM_PREPARE};
	int repeats = 0;

	for (int i = 0; i < 5; i++)
	{
		FrameHead head = {
			.kind = kinds[i], .commit_lsn = commit, .end_lsn = end};

		repeats += feedback_is_repeat(feedback, &head);
	}
	CHECK(repeats == 0 || repeats == 5);
	return repeats > 0;
}

static void
do_frame(Feedback *feedback, Model *model, bool ends)
{
	uint64_t commit;
	uint64_t end;

	if (model->late_open)
		return;
	commit = next_commit(model);
	end = commit + STEP / 2;

	CHECK(!is_repeat(feedback, commit, ends ? end : 0));
	CHECK(feedback_take_rewind(feedback) == model->cut);
	CHECK(feedback_take_rewind(feedback) == 0);
	model->cut = 0;
	CHECK(feedback_delivered(feedback, commit, end, ends));
	if (!ends)
		return;
	model->ends[model->count++] = end;
	model->commit = 0;
	model->now = end;
	CHECK(is_repeat(feedback, commit, end));
	CHECK(is_repeat(feedback, commit, 0));
}

static void
do_bad_ack(Feedback *feedback, const Model *model, uint64_t lsn)
{
	FeedbackAck expected = lsn == model->flushed  ? ACK_SAME
						   : lsn < model->flushed ? ACK_BACKWARDS
												  : ACK_UNKNOWN;

	CHECK(feedback_ack(feedback, lsn) == expected);
}

/*
 * One that was cut may be rolled back before it is sent again: then another
 * transaction follows its announcement.
 */
static uint64_t
next_late(Model *model)
{
	if (!model->late_open && (model->cut == 0 || model->cut != model->late))
		model->late = model->late == 0 ? LATE_FIRST : model->late - 2;
	model->late_open = true;
	return model->commit = model->late;
}

static void
do_late(Feedback *feedback, Model *model, bool ends)
{
	uint64_t lsn;

	if (model->commit != 0 && !model->late_open)
		return; /* nothing comes within a transaction */
	lsn = next_late(model);
	CHECK(!feedback_is_late_repeat(feedback, lsn));
	CHECK(!feedback_was_late(feedback, lsn + 1));
	CHECK(feedback_take_rewind(feedback) == model->cut);
	model->cut = 0;
	feedback_delivered_late(feedback, lsn, lsn + 1, ends);
	if (!ends)
		return;
	model->commit = 0;
	model->late_open = false;
	for (lsn = model->late; lsn <= LATE_FIRST; lsn += 2)
		CHECK(feedback_is_late_repeat(feedback, lsn) ==
			  feedback_was_late(feedback, lsn + 1));
	CHECK(feedback_is_late_repeat(feedback, model->late));
	do_bad_ack(feedback, model, model->late + 1);
}

static void
do_ack(Feedback *feedback, Model *model, int upto)
{
	FeedbackAck expected = ACK_MOVED;
	uint64_t lsn;

	if (model->acked == model->count)
	{
		CHECK(feedback_ack(feedback, model->flushed) == ACK_SAME);
		return;
	}
	lsn = model->ends[upto];
	CHECK(feedback_ack(feedback, lsn) == expected);
	model->acked = upto + 1;
	model->flushed = lsn;
}

static void
do_keepalive(Feedback *feedback, Model *model)
{
	bool within = model->commit != 0 && !model->late_open;
	uint64_t lsn = (within ? model->commit : model->now) - 1;
	bool moves = model_closed(model) && lsn > model->flushed;

	CHECK(feedback_keepalive(feedback, lsn) == moves);
	if (moves)
		model->flushed = lsn;
}

/* A keepalive of an idle server is where the server is. */
static void
do_idle_keepalive(Feedback *feedback, Model *model)
{
	if (model->commit == 0 && model->cut == 0)
		model->now += STEP;
	do_keepalive(feedback, model);
}

static void
do_reconnect(Feedback *feedback, Model *model)
{
	feedback_reconnected(feedback);
	if (model->commit != 0)
		model->cut = model->commit;
	model->commit = 0;
	model->late_open = false;
}

static void
apply(Feedback *feedback, Model *model, Op op)
{
	switch (op)
	{
		case OP_PART:
		case OP_END:
			do_frame(feedback, model, op == OP_END);
			break;
		case OP_ACK_FIRST:
			do_ack(feedback, model, model->acked);
			break;
		case OP_ACK_LAST:
			do_ack(feedback, model, model->count - 1);
			break;
		case OP_ACK_BETWEEN:
			if (model->count > model->acked)
				do_bad_ack(feedback, model, model->ends[model->count - 1] - 1);
			break;
		case OP_ACK_AHEAD:
			do_bad_ack(feedback, model, model->now + 1000);
			break;
		case OP_ACK_BACK:
			do_bad_ack(feedback, model, 1);
			break;
		case OP_KEEPALIVE:
			do_idle_keepalive(feedback, model);
			break;
		case OP_LATE_PART:
		case OP_LATE_END:
			do_late(feedback, model, op == OP_LATE_END);
			break;
		default:
			do_reconnect(feedback, model);
			break;
	}
	CHECK(feedback->flushed == model->flushed);
	CHECK(feedback_is_closed(feedback) == model_closed(model));
	CHECK(feedback->pending.count == (uint32_t) (model->count - model->acked));
	for (int i = 0; i < model->count; i++)
		CHECK(is_repeat(feedback, model->ends[i] - STEP / 2, model->ends[i]));
}

/* The history is a number with a digit for each step. */
static void
run_history(long history, int depth, int ops)
{
	Feedback feedback;
	Model model = {.flushed = 100, .now = 100};
	long before = check_failed;

	feedback_init(&feedback, 100);
	for (long rest = history, i = 0; i < depth; i++, rest /= ops)
		apply(&feedback, &model, (Op) (rest % ops));
	feedback_free(&feedback);
	if (check_failed > before)
	{
		fprintf(stderr, "history %ld of %d\n", history, ops);
		exit(check_done());
	}
}

static void
test_all_histories(int depth, int ops)
{
	long count = 1;

	for (int i = 0; i < depth; i++)
		count *= ops;
	for (long history = 0; history < count; history++)
		run_history(history, depth, ops);
}

/* The ring grows, and wraps, and finds each end in it. */
static void
test_many_pending(void)
{
	Feedback feedback;

	feedback_init(&feedback, 1);
	for (uint64_t round = 0; round < 50; round++)
	{
		uint64_t base = 1000 * round;

		for (uint64_t i = 1; i <= 900; i++)
			CHECK(feedback_delivered(&feedback, base + i, base + i, true));
		for (uint64_t i = 100; i <= 700; i += 100)
			CHECK(feedback_ack(&feedback, base + i) == ACK_MOVED);
		CHECK(feedback_ack(&feedback, base + 901) == ACK_UNKNOWN);
		CHECK(feedback_ack(&feedback, base + 900) == ACK_MOVED);
		CHECK(feedback_is_closed(&feedback));
	}
	feedback_free(&feedback);
}

static void
test_bound(void)
{
	Feedback feedback;
	uint64_t lsn = 1;

	feedback_init(&feedback, lsn);
	for (; feedback_has_room(&feedback); lsn++)
		feedback_delivered(&feedback, lsn, lsn + 1, true);
	CHECK(feedback.pending.count == FEEDBACK_PENDING_MAX);
	CHECK(feedback_ack(&feedback, lsn) == ACK_MOVED);
	CHECK(feedback_has_room(&feedback));
	feedback_free(&feedback);
}

/* So many are remembered, the latest ones. */
static void
test_many_late(void)
{
	Feedback feedback;

	feedback_init(&feedback, 1000);
	for (uint64_t lsn = 1; lsn <= FEEDBACK_LATE_MAX + 1; lsn++)
		feedback_delivered_late(&feedback, lsn, lsn + 1, true);
	CHECK(!feedback_is_late_repeat(&feedback, 1));
	for (uint64_t lsn = 2; lsn <= FEEDBACK_LATE_MAX + 1; lsn++)
		CHECK(feedback_is_late_repeat(&feedback, lsn));
	CHECK(!feedback_was_late(&feedback, 0) && feedback_is_closed(&feedback));
	feedback_free(&feedback);
}

/* Without a stored position the first connection tells where to start. */
static void
test_received(void)
{
	Feedback feedback;

	feedback_init(&feedback, 0);
	CHECK(feedback_keepalive(&feedback, 50));
	CHECK(feedback.received == 50 && feedback.flushed == 50);
	CHECK(feedback_is_repeat(
		&feedback,
		&(FrameHead){.kind = FRAME_MESSAGE, .commit_lsn = 50, .end_lsn = 50}));
	CHECK(!is_repeat(&feedback, 50, 0));
	CHECK(feedback_delivered(&feedback, 60, 70, false));
	CHECK(!feedback_keepalive(&feedback, 60));
	CHECK(feedback.flushed == 50);
	feedback_reconnected(&feedback);
	CHECK(feedback.received == 50);
	CHECK(!feedback_keepalive(&feedback, 80));
	CHECK(feedback_take_rewind(&feedback) == 60);
	feedback_free(&feedback);
}

int
main(void)
{
	test_all_histories(DEPTH, OP_LATE_PART);
	test_all_histories(DEPTH - 1, OP_COUNT);
	test_many_pending();
	test_bound();
	test_received();
	test_many_late();
	return check_done();
}
