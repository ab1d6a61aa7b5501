/*
 * streams.c
 *		Transactions in progress: kept until they end, then replayed.
 *
 * Between flow.c and the spool.  While a replay runs nothing else is read:
 * transactions are delivered in commit order.  What cannot be kept is no
 * failure: a server that is not asked to stream keeps it itself.
 */
#include "client/engine/streams.h"

#include <errno.h>
#include <string.h>

#include "client/engine/attempt.h"
#include "common/option/table.h"

/* From here on the server keeps what it would have sent. */
static void
give_up(Engine *engine, const char *why)
{
	consumer_log(engine->consumer, "warning",
				 "%s; reconnecting without streaming: the server keeps large "
				 "transactions until they end",
				 why);
	engine->stream.keeps_whole = true;
	engine_disconnect(engine);
	attempt_begin(engine);
}

static void
fail(Engine *engine, const char *what)
{
	Failure failure;

	failure_set(&failure, FAIL_PROTOCOL, "frames are out of order: %s", what);
	attempt_failed(engine, &failure);
}

void
streams_keep(Engine *engine)
{
	const HeldFrame *held = &engine->held;
	Spool *spool = &engine->spool;
	bool is_part = held->head.kind == FRAME_STREAM;
	uint32_t count = spool->count;
	SpoolResult result =
		is_part ? spool_put(spool, &held->head, held->data + held->offset,
							held->end - held->offset)
				: spool_abort(spool, &held->head);

	engine->stats.streams += is_part && held->head.part == FRAME_FIRST;
	engine->stats.streams_aborted += !is_part && spool->count < count;
	if (result == SPOOL_FULL)
		give_up(engine, spool->error);
	else if (result == SPOOL_WRONG)
		fail(engine, spool->error);
}

static bool
skips_empty(const Settings *settings)
{
	const char *text = pairs_get(&settings->options, "skip_empty");
	EtfOptions options;

	options_init(&options);
	if (text != NULL)
		options_set(&options, etf_option(etf_option_find("skip_empty")), text);
	return options.skip_empty;
}

bool
streams_end(Engine *engine)
{
	const HeldFrame *held = &engine->held;
	SpoolStream *stream = spool_find(&engine->spool, held->head.xid);

	if (stream == NULL)
	{
		fail(engine, "a stream ends that has not begun");
		return false;
	}
	if (stream->events == 0 && held->head.kind == FRAME_STREAM_COMMIT &&
		skips_empty(engine->settings))
	{
		spool_drop(&engine->spool, stream);
		return true;
	}
	if (!replay_begin(&engine->replay, stream, &held->head,
					  held->data + held->offset, held->end - held->offset))
		give_up(engine, strerror(errno));
	return false;
}

void
streams_forget(Engine *engine, const FrameHead *head)
{
	SpoolStream *stream =
		streams_end_with(head) ? spool_find(&engine->spool, head->xid) : NULL;

	if (stream != NULL)
		spool_drop(&engine->spool, stream);
}

bool
streams_spared(Engine *engine)
{
	const Failure *failure = &engine->stream.db.failure;

	if (!engine->settings->streaming || engine->stream.keeps_whole ||
		(strcmp(failure->sqlstate, "XX000") != 0 && !engine->source.unreadable))
		return false;
	give_up(engine, failure->message);
	return true;
}

bool
streams_next(Engine *engine)
{
	Replay *replay = &engine->replay;
	HeldFrame *held = &engine->held;
	ReplayFrame frame;
	char why[512];

	if (!replay_next(replay, &frame))
	{
		snprintf(why, sizeof(why), "%s: cannot read: %s", engine->spool.dir,
				 strerror(errno));
		give_up(engine, why);
		return false;
	}
	held->data = frame.data;
	held->offset = frame.offset;
	held->end = frame.end;
	frame_read_head(held->data + held->offset, held->end - held->offset,
					&held->head);
	if (!replay->done)
		return true;
	spool_drop(&engine->spool, replay->stream);
	replay_stop(replay);
	return true;
}
