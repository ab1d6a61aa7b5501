/*
 * attempt.c
 *		An attempt at a stream: its begin, and what its failure leads to.
 *
 * Called by all files of the engine that meet a failure, above all flow.c,
 * connect.c and watch.c.
 */
#include "client/engine/attempt.h"

#include <stdlib.h>

#include "client/engine/claim.h"
#include "client/engine/report.h"
#include "client/engine/settle.h"

/* How long a slot may be in use after the server dropped a dead client. */
#define SLOT_WAIT_MARGIN_MS 5000

/* Done, with whatever stands in "failure"; the last statistics are totals. */
void
attempt_finish(Engine *engine)
{
	if (engine->phase == ENGINE_DONE)
		return;
	if (engine->settings != NULL && engine->settings->stats_interval > 0)
		report_stats(engine);
	engine_disconnect(engine);
	control_close(&engine->control);
	if (engine->failure.class != FAIL_NONE)
		consumer_fatal(engine->consumer, &engine->failure);
	else
		consumer_position(engine->consumer, "stopped",
						  engine->feedback.flushed);
	engine_set_phase(engine, ENGINE_DONE);
}

void
attempt_abandon(Engine *engine, const Failure *failure)
{
	if (engine->phase == ENGINE_DONE)
		return;
	engine->failure = *failure;
	if (!settle_drops(engine))
		attempt_finish(engine);
}

/* How long another owner of the slot is waited for. */
static int64_t
slot_wait(const Engine *engine)
{
	uint64_t wait = engine->settings->slot_wait;

	if (wait < engine->stream.sender_timeout + SLOT_WAIT_MARGIN_MS)
		wait = engine->stream.sender_timeout + SLOT_WAIT_MARGIN_MS;
	return (int64_t) wait;
}

static bool
is_final(Engine *engine, const Failure *failure)
{
	FailurePolicy policy = failure_info(failure->class)->policy;

	if (policy != POLICY_WAIT)
		engine->busy_since = 0;
	else if (engine->busy_since == 0)
		engine->busy_since = engine->now;
	return !engine->settings->reconnect || policy == POLICY_STOP ||
		   (policy == POLICY_WAIT &&
			engine->now >= engine->busy_since + slot_wait(engine));
}

/*
 * What ended a stream of pgoutput another session may get beyond: what was not
 * delivered whole comes again there.
 */
static bool
source_goes_on(Engine *engine, const Failure *failure)
{
	const char *way = source_way_out(&engine->source, failure);

	if (way == NULL)
		return false;
	consumer_log(engine->consumer, "warning",
				 "%s: reading on in another session, with %s", failure->message,
				 way);
	engine->retry_at = engine->now;
	engine_set_phase(engine, ENGINE_DOWN);
	return true;
}

/*
 * A connection failed or ended: stop, or wait and come back.  During a clean
 * stop it only means that there is less to do.
 */
void
attempt_failed(Engine *engine, const Failure *failure)
{
	Failure copy = *failure; /* it may belong to what is closed here */
	uint32_t delay;

	if (engine->phase >= ENGINE_CONFIRMING)
	{
		attempt_finish(engine);
		return;
	}
	if (engine->phase == ENGINE_STREAMING)
		report_disconnected(engine, failure_info(copy.class)->name);
	engine_disconnect(engine);
	if (source_goes_on(engine, &copy) || claim_takes(engine, &copy))
		return;
	engine->standby_since = 0;
	if (is_final(engine, &copy))
	{
		attempt_abandon(engine, &copy);
		return;
	}
	delay = backoff_fail(&engine->backoff, (uint32_t) random());
	engine->retry_at = engine->now + delay;
	report_reconnecting(engine, &copy, delay);
	engine_set_phase(engine, ENGINE_DOWN);
}

void
attempt_begin(Engine *engine)
{
	engine_set_phase(engine, ENGINE_CONNECTING);
	if (!stream_open(&engine->stream, engine->feedback.flushed,
					 feedback_reached(&engine->feedback)))
		attempt_failed(engine, &engine->stream.db.failure);
}
