/*
 * source.c
 *		What a stream brings, as frames.
 *
 * Between stream.c and flow.c.  source_begin.c decides what the stream asks
 * for.
 */
#include "client/source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/link/catalog_query.h"
#include "client/link/publication.h"
#include "client/source/assemble.h"

void
source_init(Source *source, Stream *stream, Spool *spool)
{
	*source = (Source){.stream = stream};
	assembler_init(&source->assembler);
	source->assembler.spool = spool;
}

static void
drop_message(Source *source)
{
	PQfreemem(source->message.data);
	source->message.data = NULL;
	source->bytes = NULL;
}

void
source_reset(Source *source)
{
	drop_message(source);
	retell_stop(&source->retell);
	assembler_drop(&source->assembler);
	source->asks = source->asks_all = source->unreadable = false;
}

void
source_free(Source *source)
{
	source_reset(source);
	assembler_free(&source->assembler);
}

static StreamEvent
give_frame(Source *source, StreamMessage *message)
{
	*message = (StreamMessage){.copy = {.kind = COPY_FRAME}};
	message->data = assembler_take(&source->assembler, &message->len);
	return STREAM_FRAME;
}

/* As a keepalive does, it says that all before it was sent. */
static StreamEvent
give_position(const Source *source, StreamMessage *message)
{
	*message = (StreamMessage){.copy = {.kind = COPY_KEEPALIVE,
										.wal_end = source->assembler.position}};
	return STREAM_KEEPALIVE;
}

static StreamEvent
fail(Source *source)
{
	failure_set(&source->stream->db.failure, FAIL_PROTOCOL,
				"pgoutput: %s (message '%c')", source->assembler.error,
				source->bytes[0]);
	drop_message(source);
	return STREAM_FAILED;
}

/* The server would send, or we read, values of one column as text only. */
static StreamEvent
refuse_binary(Source *source)
{
	const Plan *plan = source->assembler.unfit;
	const PlanColumn *column = plan_unfit(plan);

	failure_set(&source->stream->db.failure, FAIL_CONFIG,
				"column \"%s\" of table \"%s.%s\" is of type \"%s\", which has "
				"no binary form that the client knows",
				column->name.text, plan->schema, plan->name,
				column->type->name);
	failure_hint(&source->stream->db.failure, "Set format to auto or text.");
	source->needs_text = true;
	drop_message(source);
	return STREAM_FAILED;
}

/* A stream has ended: what was kept of it is what comes next. */
static StreamEvent
begin_retelling(Source *source)
{
	Assembler *assembler = &source->assembler;
	SpoolStream *stream = spool_find(assembler->spool, assembler->tx.xid);

	if (stream == NULL)
	{
		assembler->error = "a stream ends that has not begun";
		return fail(source);
	}
	drop_message(source);
	retell_begin(&source->retell, stream);
	return STREAM_TAKEN;
}

static StreamEvent
take_message(Source *source, StreamMessage *message)
{
	switch (assemble(&source->assembler, source->bytes, source->len))
	{
		case ASSEMBLED_FRAME:
			drop_message(source);
			return give_frame(source, message);
		case ASSEMBLED_CUT:
			return give_frame(source, message);
		case ASSEMBLED_POSITION:
			drop_message(source);
			return give_position(source, message);
		case ASSEMBLED_STREAM:
			return begin_retelling(source);
		case ASSEMBLED_QUESTION:
			source->asks = true;
			return STREAM_NOTHING;
		case ASSEMBLED_UNFIT:
			return refuse_binary(source);
		case ASSEMBLED_FAILED:
			return fail(source);
		default:
			drop_message(source);
			return STREAM_TAKEN;
	}
}

static StreamEvent
end_retelling(Source *source, StreamMessage *message)
{
	Assembler *assembler = &source->assembler;
	Assembled assembled = assembler_end_tx(assembler, assembler->tx.end_lsn);

	spool_drop(assembler->spool, source->retell.stream);
	retell_stop(&source->retell);
	return assembled == ASSEMBLED_FRAME ? give_frame(source, message)
										: give_position(source, message);
}

static StreamEvent
cannot_read(Source *source)
{
	failure_set(&source->stream->db.failure, FAIL_INTERNAL,
				"%s: cannot read: %s", source->assembler.spool->dir,
				strerror(errno));
	source->unreadable = true;
	return STREAM_FAILED;
}

static StreamEvent
retell(Source *source, StreamMessage *message)
{
	if (!retell_next(&source->retell, &source->bytes, &source->len))
		return cannot_read(source);
	return source->bytes != NULL ? take_message(source, message)
								 : end_retelling(source, message);
}

static StreamEvent
hear(Source *source, StreamMessage *message)
{
	StreamMessage *heard = &source->message;
	StreamEvent event = stream_next(source->stream, heard);

	if (event != STREAM_FRAME)
	{
		*message = *heard;
		heard->data = NULL;
		return event;
	}
	source->bytes = heard->data + heard->copy.payload;
	source->len = heard->len - heard->copy.payload;
	return take_message(source, message);
}

StreamEvent
source_next(Source *source, StreamMessage *message)
{
	if (source->stream->plugin != PLUGIN_PGOUTPUT)
		return stream_next(source->stream, message);
	if (source->asks)
		return STREAM_NOTHING;
	if (source->bytes != NULL)
		return take_message(source, message);
	return retell_runs(&source->retell) ? retell(source, message)
										: hear(source, message);
}

bool
source_unread(Source *source, char *text, size_t size)
{
	Plan *plan = source->assembler.unread;

	source->assembler.unread = NULL;
	return plan != NULL && plan_tell_unread(plan, text, size);
}

const StrBuf *
source_met(const Source *source)
{
	return &source->assembler.catalog.tables.met;
}

void
source_told(Source *source, size_t len)
{
	strbuf_drop(&source->assembler.catalog.tables.met, len);
}

void
source_prepare(Source *source)
{
	source->asks = source->asks_all = true;
}

/* Names come as those do that the stream has. */
void
source_question(const Source *source, StrBuf *sql)
{
	const PlanQuestion *question = &source->assembler.question;
	const Stream *stream = source->stream;
	StrBuf names = {0};

	if (stream->pgoutput.raw || stream->pgoutput.ascii)
		strbuf_puts(sql, "SET client_encoding = 'SQL_ASCII'; ");
	if (source->asks_all)
	{
		publication_put_names(stream, &names);
		catalog_query_published(sql, stream->server_version,
								strbuf_text(&names));
		sql->failed |= names.failed;
		strbuf_free(&names);
	}
	else
		catalog_query_table(sql, stream->server_version, question->relid,
							question->types, question->ntypes);
}

void
source_answer(Source *source, const PGresult *result)
{
	if (source->asks_all)
		catalog_take(&source->assembler.catalog, result);
	else
		assembler_answer(&source->assembler, result);
	source->asks = source->asks_all = false;
}

static bool
is_state(const Failure *failure, const char *sqlstate)
{
	return strcmp(failure->sqlstate, sqlstate) == 0;
}

/*
 * 42883: the server has no binary form for a part of a value, which it finds
 * only when it sends one.
 */
static bool
turns_to_text(Source *source, const Failure *failure)
{
	Pgoutput *pgoutput = &source->stream->pgoutput;

	if (source->stream->settings->format == FORMAT_BINARY)
		return false;
	source->needs_text |= is_state(failure, "42883");
	if (!source->needs_text || pgoutput->text)
		return false;
	pgoutput->text = true;
	return true;
}

/* 22P05, 22021: a text has no UTF-8 form. */
static bool
turns_to_raw(Source *source, const Failure *failure)
{
	Pgoutput *pgoutput = &source->stream->pgoutput;

	if (pgoutput->raw ||
		(!is_state(failure, "22P05") && !is_state(failure, "22021")))
		return false;
	pgoutput->raw = true;
	return true;
}

const char *
source_way_out(Source *source, const Failure *failure)
{
	if (source->stream->plugin != PLUGIN_PGOUTPUT)
		return NULL;
	if (turns_to_text(source, failure))
		return "values as text";
	return turns_to_raw(source, failure) ? "texts as the server has them"
										 : NULL;
}
