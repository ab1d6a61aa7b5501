/*
 * standby.c
 *		Standing by for a slot that another process reads.
 *
 * Called by engine.c, and by watch.c for the control connection; claim.c has
 * what it is about.
 */
#include "client/engine/standby.h"

#include "client/engine/attempt.h"
#include "client/engine/claim.h"

/* A consumer that takes longer than this to say where to start is reported. */
#define ANSWER_MS 60000

/* Then the ordinary way finds out what is the matter, and whether it passes. */
void
standby_control_lost(Engine *engine)
{
	Failure failure = engine->control.db.failure;

	if (engine->phase != ENGINE_STANDBY)
		return;
	if (failure_info(failure.class)->policy == POLICY_STOP)
		failure.class = FAIL_SERVER_ERROR;
	claim_look(engine, false);
	attempt_failed(engine, &failure);
}

/*
 * A look that began after the wait did has come back.  Only then is the wait a
 * success: a server may take the stream's connection and refuse this one.
 */
void
standby_turn(Engine *engine, short revents)
{
	const SlotReport *slot = &engine->control.slot;
	Failure lost;

	(void) revents;
	if (engine->control.heard_at <= engine->phase_since)
		return;
	backoff_reset(&engine->backoff);
	if (claim_is_another(engine, slot->active_pid))
	{
		claim_lost(engine, slot->active_pid, slot->decoded, &lost);
		attempt_failed(engine, &lost);
	}
	if (slot->active_pid != 0)
		return;
	claim_look(engine, false);
	if (engine->consumer->ops->answers && !engine->stream.resumes)
		claim_ask(engine, slot->confirmed);
	else
		attempt_begin(engine);
}

void
standby_turn_asking(Engine *engine, short revents)
{
	(void) revents;
	if (!engine_due(engine, engine->phase_since + ANSWER_MS))
		return;
	consumer_log(
		engine->consumer, "warning",
		"slot \"%s\" is free, but the consumer does not say where to start",
		engine->settings->slot);
	engine_set_phase(engine, ENGINE_ASKING);
}
