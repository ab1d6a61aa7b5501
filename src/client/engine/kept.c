/*
 * kept.c
 *		Backfills that were asked for, of whoever reads the slot.
 *
 * Called by engine.c.  The consumer asks for them again, as it was asked; where
 * they go on is in their state.
 */
#include "client/engine/kept.h"

#include "client/backfill/store.h"

#define RETRY_MIN_MS 200
#define RETRY_MAX_MS 10000

void
kept_poll(const Engine *engine, struct pollfd *fd)
{
	const Reader *desk = &engine->kept.desk;
	short events = reader_events(desk, true);

	*fd = (struct pollfd){.fd = events != 0 ? reader_fd(desk) : -1,
						  .events = events};
}

static void
open_turn(Engine *engine)
{
	Kept *kept = &engine->kept;

	if (kept->desk.state != READER_CLOSED ||
		engine->phase != ENGINE_STREAMING || !engine_due(engine, kept->desk_at))
		return;
	if (kept->backoff.max_ms == 0)
		backoff_init(&kept->backoff, RETRY_MIN_MS, RETRY_MAX_MS, 0);
	reader_open(&kept->desk, READER_USE_EXTENSION, engine->settings,
				&engine->control.db.host_order, engine->stream.server,
				engine->stream.system_identifier, engine->now);
}

static void
ask(Engine *engine)
{
	StrBuf sql = {0};

	store_put_list(engine->kept.desk.schema, engine->settings->slot, &sql);
	reader_run(&engine->kept.desk, &sql);
}

static void
tell_request(Engine *engine, const char *id, const char *hex)
{
	size_t len;
	char *request = store_from_hex(hex, &len);

	if (request != NULL)
		consumer_backfill_bytes(engine->consumer, "kept", id, request, len);
	free(request);
}

static void
tell(Engine *engine)
{
	Kept *kept = &engine->kept;
	const PGresult *rows = kept->desk.db.result;
	int count = PQntuples(rows);
	const char **ids = calloc((size_t) count + 1, sizeof(*ids));

	for (int i = 0; ids != NULL && i < count; i++)
	{
		ids[i] = PQgetvalue(rows, i, 0);
		tell_request(engine, ids[i], PQgetvalue(rows, i, 1));
	}
	if (ids != NULL)
	{
		const Field all = field_texts("kept", ids, (uint64_t) count);

		consumer_report(engine->consumer, "backfills", NULL, &all, 1);
	}
	free(ids);
	kept->told = true;
	kept->found = (size_t) count;
	reader_close(&kept->desk);
}

/* Told once: it is tried again until it is known. */
static void
tell_unknown(Engine *engine, const Failure *failure, ReaderTrouble trouble)
{
	const char *level =
		engine->kept.told && trouble == TROUBLE_LOST ? "debug" : "warning";

	if (!engine->kept.told && engine->kept.backoff.failures > 1)
		return;
	consumer_log(engine->consumer, level,
				 "it is not known which backfills have not ended%s: %s",
				 engine->kept.told
					 ? ""
					 : ", and until it is, nothing may be confirmed behind an "
					   "update that moves a row",
				 failure->message);
}

/* Without the extension nothing is kept, and perhaps nothing ever will be. */
static void
failed(Engine *engine)
{
	Kept *kept = &engine->kept;
	Failure failure = kept->desk.db.failure;
	ReaderTrouble trouble = kept->desk.trouble;

	reader_close(&kept->desk);
	kept->desk_at =
		engine->now + backoff_fail(&kept->backoff, (uint32_t) random());
	kept->told = !trouble_passes(trouble, failure.class);
	store_explain(&failure);
	tell_unknown(engine, &failure, trouble);
	if (kept->told)
		consumer_report(engine->consumer, "backfills", NULL, NULL, 0);
}

void
kept_turn(Engine *engine, short revents)
{
	Kept *kept = &engine->kept;

	if (kept->told || !engine->settings->backfills)
		return;
	open_turn(engine);
	switch (reader_turn(&kept->desk, engine->now, revents, true))
	{
		case READER_READY:
			ask(engine);
			break;
		case READER_DONE:
			tell(engine);
			break;
		case READER_FAILED:
			failed(engine);
			break;
		default:
			break;
	}
	if (kept->desk.state == READER_OPENING)
		engine_due(engine, kept->desk.give_up_at);
}
