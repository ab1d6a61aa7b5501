/*
 * state.c
 *		All that the engine knows, and what its files have in common.
 */
#include "client/engine/state.h"

void
engine_set_phase(Engine *engine, EnginePhase phase)
{
	engine->phase = phase;
	engine->phase_since = engine->now;
	engine->wake_at = engine->now;
}

bool
engine_due(Engine *engine, int64_t at)
{
	if (engine->now >= at)
		return true;
	if (at < engine->wake_at)
		engine->wake_at = at;
	return false;
}

void
engine_disconnect(Engine *engine)
{
	held_drop(&engine->held);
	replay_stop(&engine->replay);
	spool_clear(&engine->spool);
	stream_close(&engine->stream);
	source_reset(&engine->source);
	engine->asked = engine->asked_notes = false;
	engine->asks_since = 0;
	shrink_closed(&engine->shrink, false, engine->now);
	feedback_reconnected(&engine->feedback);
	engine->stalled_at = 0;
	engine->pings = 0;
}
