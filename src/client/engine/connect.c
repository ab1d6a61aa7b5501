/*
 * connect.c
 *		A stream on its way: connection, set-up, and its first moment.
 *
 * Called by engine.c; stream_setup.c has the commands.
 */
#include "client/engine/connect.h"

#include <stdio.h>

#include "client/engine/attempt.h"
#include "client/engine/catalogs.h"
#include "client/engine/exact_round.h"
#include "client/engine/report.h"
#include "client/engine/status.h"
#include "client/link/publication.h"
#include "client/link/slot.h"
#include "client/link/stream_setup.h"

static const char *
why_this_plugin(const Engine *engine)
{
	if (engine->stream.pgoutput.refusal[0] != '\0')
		return engine->stream.pgoutput.refusal;
	if (engine->settings->plugin != PLUGIN_AUTO)
		return "it was asked for";
	return engine->stream.created ? "the server has it"
								  : "the slot was made with it";
}

/* Which one, and why: once, and where publications leave a choice. */
static void
tell_plugin(Engine *engine)
{
	const Pgoutput *pgoutput = &engine->stream.pgoutput;
	const WireType *unfit = source_unfit(&engine->source);
	bool ours = engine->stream.plugin != PLUGIN_PGOUTPUT;

	if (engine->plugin_told || publication_names(engine->settings) == NULL)
		return;
	engine->plugin_told = true;
	if (ours)
		consumer_log(engine->consumer, "info",
					 "slot \"%s\" is read with " PLUGIN_NAME ", since %s",
					 engine->settings->slot, why_this_plugin(engine));
	else
		consumer_log(engine->consumer, "info",
					 "slot \"%s\" is read with pgoutput, since %s, "
					 "values as %s%s%s",
					 engine->settings->slot, why_this_plugin(engine),
					 pgoutput->text ? "text" : "binary",
					 unfit != NULL ? " because of type " : "",
					 unfit != NULL ? unfit->name : "");
}

/* Of those that match the patterns of now; later ones have to be added. */
static void
tell_made(Engine *engine, bool inserts)
{
	const ChosenTables *made = &engine->stream.pgoutput.made[inserts];
	StrBuf name = {0};

	if (made->count == 0)
		return;
	publication_put_made(engine->settings, inserts, &name);
	consumer_log(engine->consumer, "info",
				 "publication %s was created for %s, of %llu table(s): %s",
				 strbuf_text(&name),
				 inserts ? "inserts and truncates" : "all changes",
				 (unsigned long long) made->count, made->names);
	strbuf_free(&name);
}

/* In another format other things come otherwise. */
static void
tell_session(Engine *engine)
{
	Pgoutput *pgoutput = &engine->stream.pgoutput;

	for (int inserts = 0; pgoutput->untold && inserts < 2; inserts++)
		tell_made(engine, inserts);
	pgoutput->untold = false;
	if (engine->told_text != pgoutput->text)
		engine->plugin_told = engine->notes_told = false;
	engine->told_text = pgoutput->text;
	tell_plugin(engine);
}

/*
 * The first connection shows where the slot is, if the consumer did not say.
 */
static void
begin_streaming(Engine *engine)
{
	Stream *stream = &engine->stream;

	if (!stream->resumes)
		engine->catch_up_to = stream->server_lsn;
	else
		engine->stats.reconnects++;
	if (engine->feedback.flushed == 0)
		feedback_init(&engine->feedback, stream->confirmed);
	order_init(&engine->order, stream_start(stream), stream_streams(stream),
			   engine->settings->two_phase);
	stream->resumes = true;
	stream->made = false;
	stream->decoded = stream->found_decoded;
	stream->reader_pid = stream->backend_pid;
	stream->reached_timeline = stream->in_recovery ? 0 : stream->timeline;
	engine->busy_since = engine->standby_since = 0;
	engine->server_stopping = false;
	engine->server_lsn = stream->server_lsn;
	engine->told_lsn = stream->confirmed;
	engine->heard_at = engine->status_at = engine->now;
	engine_set_phase(engine, ENGINE_STREAMING);
	report_connected(engine);
	if (stream->without_failover)
		consumer_log(engine->consumer, "warning",
					 "slot \"%s\" exists but is not a failover slot: it will "
					 "not survive a failover",
					 engine->settings->slot);
	if (stream->turns_two_phase)
		consumer_log(engine->consumer, "warning",
					 "slot \"%s\" becomes a two-phase slot, for good",
					 engine->settings->slot);
	tell_session(engine);
	status_send(engine, true);
}

void
connect_go_on(Engine *engine)
{
	Stream *stream = &engine->stream;

	if (!source_begin(&engine->source) ||
		stream_setup_go_on(stream) == STREAM_FAILED)
		attempt_failed(engine, &stream->db.failure);
}

/* On an idle primary nothing ends this wait but a person. */
static void
warn_creating(Engine *engine)
{
	const Stream *stream = &engine->stream;

	if (engine->creating_warned || !stream->in_recovery ||
		stream->db.stage != STAGE_CREATE)
		return;
	engine->creating_warned = true;
	consumer_log(engine->consumer, "warning", "creating slot \"%s\": %s",
				 engine->settings->slot, SLOT_WAIT_HINT);
}

static void
set_up_timed_out(Engine *engine, int64_t limit)
{
	Failure timeout;

	if (engine->stream.db.stage == STAGE_CREATE)
	{
		failure_set(&timeout, FAIL_SERVER_ERROR,
					"slot \"%s\" was not created within %lld ms",
					engine->settings->slot, (long long) limit);
		failure_hint(&timeout, "%s", SLOT_WAIT_HINT);
	}
	else
	{
		db_rotate_hosts(&engine->stream.db);
		failure_set(&timeout, FAIL_NETWORK, "no answer within %lld ms",
					(long long) limit);
	}
	attempt_failed(engine, &timeout);
}

void
connect_turn(Engine *engine, short revents)
{
	int64_t limit = (int64_t) engine->settings->connect_timeout *
					(engine->stream.db.hosts + 1);

	switch (stream_advance(&engine->stream, revents))
	{
		case STREAM_CATALOGS:
			source_prepare(&engine->source);
			break;
		case STREAM_EXPORTED:
			round_begin_with_slot(engine);
			return;
		case STREAM_STARTED:
			begin_streaming(engine);
			return;
		case STREAM_FAILED:
			attempt_failed(engine, &engine->stream.db.failure);
			return;
		default:
			break;
	}
	catalogs_turn(engine);
	if (engine->phase != ENGINE_CONNECTING)
		return;
	warn_creating(engine);
	if (engine_due(engine, engine->phase_since + limit))
		set_up_timed_out(engine, limit);
}
