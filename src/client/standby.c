/*
 * standby.c
 *		Standing by for a slot that another process reads.
 *
 * Called by engine.c.  An attempt on a busy slot takes a walsender and leaves
 * an ERROR in the server's log; so nothing is attempted.  Only the control
 * connection stays, and looks at the slot now and then.  Who of several that
 * wait gets a slot that is free is decided by START_REPLICATION.
 *
 * What the consumer said about its position before the wait is old by then: it
 * is asked again.
 */
#include "client/engine.h"
#include "client/identity.h"

/* Whoever takes so long to say where to start is a case for the log. */
#define ANSWER_MS 60000

void
standby_init(Engine *engine)
{
	const Settings *settings = engine->settings;
	bool asks = settings->standby && engine->consumer->ops->answers;

	engine->stream.vouched = asks ? 0 : UINT64_MAX;
}

/* By the control connection, whether or not it is wanted otherwise. */
static void
look(Engine *engine, bool often)
{
	Control *control = &engine->control;

	control->pace = often ? (int64_t) engine->settings->standby_interval : 0;
	control->wanted = often || engine->settings->control;
	if (!control->wanted)
		control_close(control);
	else if (control->db.state == DB_IDLE)
		control->due = engine->now + control->pace;
	else if (control->db.state == DB_CLOSED)
		control->due = engine->now;
}

/*
 * A client that has streamed goes on where it was, but only behind its own
 * last walsender, which the server may take for alive yet.
 */
static bool
is_another(const Engine *engine, int holder)
{
	return engine->stream.resumes && holder != 0 &&
		   holder != engine->stream.reader_pid;
}

/* What was handed out here, another process may be handling again. */
static void
give_up_position(Engine *engine, int holder, uint64_t decoded)
{
	const Stream *stream = &engine->stream;
	Failure failure;

	if (!engine->settings->ack_positions && decoded < stream->decoded)
		identity_set_anew(&failure, engine->settings->slot);
	else
		failure_set(&failure, FAIL_SLOT_MOVED,
					"slot \"%s\" is read by another process, PID %d",
					engine->settings->slot, holder);
	look(engine, false);
	engine_failed(engine, &failure);
}

static void
wait_for_slot(Engine *engine)
{
	bool begins = engine->standby_since == 0;

	if (is_another(engine, engine->stream.holder_pid))
	{
		give_up_position(engine, engine->stream.holder_pid,
						 engine->stream.found_decoded);
		return;
	}
	engine_set_phase(engine, ENGINE_STANDBY);
	look(engine, true);
	if (!begins)
		return;
	engine->standby_since = engine->now;
	report_standby(engine);
}

static void
ask(Engine *engine, uint64_t confirmed)
{
	engine_set_phase(engine, ENGINE_ASKING);
	report_free(engine, confirmed);
}

/*
 * A slot that is busy, or has been while the consumer's position grew old.
 * A standby's copy is held by the server itself and is free to look at.
 */
bool
standby_takes(Engine *engine, const Failure *failure)
{
	Stream *stream = &engine->stream;
	bool asks = engine->consumer->ops->answers && !stream->resumes;

	if (failure->class == FAIL_SLOT_ACTIVE)
		stream->vouched = 0;
	if (!engine->settings->standby)
		return false;
	if (failure->class == FAIL_SLOT_ACTIVE && !stream->synced)
		wait_for_slot(engine);
	else if (failure->class == FAIL_SLOT_MOVED && asks)
		ask(engine, stream->confirmed);
	else
		return false;
	return true;
}

/* Then the ordinary way finds out what is the matter, and whether it passes. */
void
standby_control_lost(Engine *engine)
{
	Failure failure = engine->control.db.failure;

	if (engine->phase != ENGINE_STANDBY)
		return;
	if (failure_info(failure.class)->policy == POLICY_STOP)
		failure.class = FAIL_SERVER_ERROR;
	look(engine, false);
	engine_failed(engine, &failure);
}

/*
 * A look that began after the wait did has come back.  Only then is the wait a
 * success: a server may take the stream's connection and refuse this one.
 */
void
standby_turn(Engine *engine, short revents)
{
	const SlotReport *slot = &engine->control.slot;

	(void) revents;
	if (engine->control.heard_at <= engine->phase_since)
		return;
	backoff_reset(&engine->backoff);
	if (is_another(engine, slot->active_pid))
		give_up_position(engine, slot->active_pid, slot->decoded);
	if (slot->active_pid != 0)
		return;
	look(engine, false);
	if (engine->consumer->ops->answers && !engine->stream.resumes)
		ask(engine, slot->confirmed);
	else
		engine_connect(engine);
}

void
standby_turn_asking(Engine *engine, short revents)
{
	(void) revents;
	if (!engine_due(engine, engine->phase_since + ANSWER_MS))
		return;
	consumer_log(engine->consumer, "warning",
				 "slot \"%s\" is free, but nobody says where to start",
				 engine->settings->slot);
	engine_set_phase(engine, ENGINE_ASKING);
}

/* An answer that comes too late is to a question that will be asked again. */
void
engine_go(Engine *engine, uint64_t lsn, uint64_t seen)
{
	if (engine->phase != ENGINE_ASKING)
		return;
	engine->stream.vouched = seen;
	feedback_init(&engine->feedback, lsn);
	engine_connect(engine);
}
