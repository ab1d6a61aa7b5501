/*
 * claim.c
 *		Whose turn it is to read a slot that several clients share.
 *
 * Called by attempt.c after a failure, by standby.c while it waits.  An attempt
 * on a busy slot takes a walsender and leaves an ERROR in the server's log; so
 * nothing is attempted.  Only the control connection stays, and looks at the
 * slot now and then.  Who of several that wait gets a slot that is free is
 * decided by START_REPLICATION.
 *
 * What the consumer said about its position before the wait is old by then: it
 * is asked again.
 */
#include "client/engine/claim.h"

#include "client/engine/report.h"
#include "client/link/identity.h"

void
claim_init(Engine *engine)
{
	const Settings *settings = engine->settings;
	bool asks = settings->standby && engine->consumer->ops->answers;

	engine->stream.vouched = asks ? 0 : UINT64_MAX;
}

/* By the control connection, whether or not it is wanted otherwise. */
void
claim_look(Engine *engine, bool often)
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
 * A client that has streamed continues where it was, but only behind its own
 * last walsender, which the server may take for alive yet.
 */
bool
claim_is_another(const Engine *engine, int holder)
{
	return engine->stream.resumes && holder != 0 &&
		   holder != engine->stream.reader_pid;
}

/* What was handed out here, another process may be handling again. */
void
claim_lost(Engine *engine, int holder, uint64_t decoded, Failure *failure)
{
	const Stream *stream = &engine->stream;

	if (!engine->settings->ack_positions && decoded < stream->decoded)
		identity_set_anew(failure, engine->settings->slot);
	else
		failure_set(failure, FAIL_SLOT_MOVED,
					"slot \"%s\" is read by another process, PID %d",
					engine->settings->slot, holder);
	claim_look(engine, false);
}

static void
wait_for_slot(Engine *engine)
{
	bool begins = engine->standby_since == 0;

	engine_set_phase(engine, ENGINE_STANDBY);
	claim_look(engine, true);
	if (!begins)
		return;
	engine->standby_since = engine->now;
	report_standby(engine);
}

void
claim_ask(Engine *engine, uint64_t confirmed)
{
	engine_set_phase(engine, ENGINE_ASKING);
	report_free(engine, confirmed);
}

/* A standby's copy is held by the server itself and is free to look at. */
bool
claim_takes(Engine *engine, Failure *failure)
{
	Stream *stream = &engine->stream;
	bool asks = engine->consumer->ops->answers && !stream->resumes;
	bool busy = failure->class == FAIL_SLOT_ACTIVE;

	if (busy)
		stream->vouched = 0;
	if (!engine->settings->standby)
		return false;
	if (busy && !stream->synced && claim_is_another(engine, stream->holder_pid))
	{
		claim_lost(engine, stream->holder_pid, stream->found_decoded, failure);
		return false;
	}
	if (busy && !stream->synced)
		wait_for_slot(engine);
	else if (failure->class == FAIL_SLOT_MOVED && asks)
		claim_ask(engine, stream->confirmed);
	else
		return false;
	return true;
}
