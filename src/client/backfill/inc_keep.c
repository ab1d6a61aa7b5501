/*
 * inc_keep.c
 *		What is asked for and done of an incremental backfill is kept.
 *
 * Called by inc_desk.c, whose connection it uses.
 */
#include "client/backfill/inc_parts.h"

#include <stdlib.h>

#include "client/backfill/incremental.h"
#include "client/backfill/store.h"

/* Between two times that the state is kept. */
#define SAVE_MS 1000

bool
inc_keep_request(Incremental *inc)
{
	StrBuf sql = {0};
	size_t len = 0;
	char *bytes;

	if (inc->request.kept == NULL || inc->started)
		return false;
	bytes = backfill_state_encode(&inc->state, &len);
	store_put_save(inc->desk.schema, inc->settings->slot, &inc->request,
				   bytes != NULL ? bytes : "", len, &sql);
	free(bytes);
	inc->stage = INC_KEEPING;
	reader_run(&inc->desk, &sql);
	return true;
}

static void
save_at_server(Incremental *inc, const char *bytes, size_t len)
{
	const char *schema = inc->desk.schema;
	const char *slot = inc->settings->slot;
	StrBuf sql = {0};

	if (inc->request.once && inc->stage == INC_ENDING &&
		inc->failure.class == FAIL_NONE)
		store_put_remove(schema, slot, inc->request.id, &sql);
	else
		store_put_save(schema, slot, &inc->request, bytes, len, &sql);
	inc->saving = true;
	reader_run(&inc->desk, &sql);
}

static void
save(Incremental *inc)
{
	size_t len = 0;
	char *bytes = backfill_state_encode(&inc->state, &len);

	if (bytes == NULL)
		return;
	inc->dirty = false;
	if (inc->request.store == STORE_CONSUMER)
	{
		consumer_backfill_bytes(inc->consumer, "state", inc->request.id, bytes,
								len);
		unkept_saved(&inc->keys);
	}
	else
		save_at_server(inc, bytes, len);
	free(bytes);
}

/* Nothing that is older than the state that came with a chunk. */
bool
inc_keep_waits(const Incremental *inc)
{
	return inc->request.close_state && inc_window_closed(inc);
}

/* Rows of a round come behind a change that waits for keys to be kept. */
bool
inc_keep_reaches(const Incremental *inc, const StreamPlace *place)
{
	return place->streaming ||
		   (place->snapshot && incremental_unkept(inc) != 0);
}

/* At once where somebody waits for it. */
void
inc_keep_turn(Incremental *inc, const StreamPlace *place)
{
	bool hurry = unkept_first(&inc->keys) != 0 || inc->hurries ||
				 inc->stage == INC_ENDING;

	if (!inc->dirty || inc->saving || inc_keep_waits(inc) ||
		inc->stage < INC_RUNNING ||
		(!hurry && !inc_due(inc, place, inc->saved_at + SAVE_MS)))
		return;
	if (inc->request.store == STORE_CONSUMER || reader_is_idle(&inc->desk))
	{
		inc->saved_at = place->now;
		save(inc);
	}
}
