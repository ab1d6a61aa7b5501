/*
 * exact_keep.c
 *		What is asked for and done of an exact backfill is kept.
 *
 * Called by exact_desk.c, whose connection it uses.
 */
#include "client/engine/exact_keep.h"

#include <stdlib.h>

#include "client/backfill/store.h"

/* Between two times that the state is kept. */
#define SAVE_MS 1000

static void
save_at_server(Engine *engine, const char *bytes, size_t len)
{
	Exact *exact = &engine->exact;
	StrBuf sql = {0};

	if (exact->over)
		store_put_remove(exact->desk.schema, engine->settings->slot,
						 exact->request.id, &sql);
	else
		store_put_save(exact->desk.schema, engine->settings->slot,
					   &exact->request, bytes, len, &sql);
	exact->saving = true;
	reader_run(&exact->desk, &sql);
}

static void
save(Engine *engine)
{
	Exact *exact = &engine->exact;
	size_t len;
	char *bytes = backfill_state_encode(&exact->state, &len);

	exact->saved_at = engine->now;
	if (bytes == NULL)
		return;
	exact->dirty = false;
	if (exact->request.store == STORE_SERVER)
		save_at_server(engine, bytes, len);
	else if (exact->request.store == STORE_CONSUMER)
	{
		consumer_backfill_bytes(engine->consumer, "state", exact->request.id,
								bytes, len);
		unkept_saved(&exact->keys);
	}
	free(bytes);
}

bool
keep_request(Engine *engine)
{
	Exact *exact = &engine->exact;
	StrBuf sql = {0};
	size_t len = 0;
	char *bytes = NULL;

	if (exact->request.kept == NULL)
		return false;
	if (exact->loaded)
		bytes = backfill_state_encode(&exact->state, &len);
	store_put_save(exact->desk.schema, engine->settings->slot, &exact->request,
				   bytes != NULL ? bytes : "", len, &sql);
	free(bytes);
	exact->stage = EXACT_KEEPING;
	reader_run(&exact->desk, &sql);
	return true;
}

/* At once where somebody waits for it. */
void
keep_turn(Engine *engine)
{
	Exact *exact = &engine->exact;
	bool hurry = exact->stopping || exact->cancelled ||
				 exact->stage == EXACT_DRAINING ||
				 unkept_first(&exact->keys) != 0;
	bool server = exact->request.store == STORE_SERVER;

	if (!exact->dirty || exact->saving || exact->stage < EXACT_WAITING ||
		(!hurry && !engine_due(engine, exact->saved_at + SAVE_MS)))
		return;
	if (!server || reader_is_idle(&exact->desk))
		save(engine);
}
