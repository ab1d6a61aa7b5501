/*
 * sink.c
 *		Where frames go: the server's ctx->out, message by message.
 *
 * A frame is built in place, behind the header that the walsender has put
 * there, and taken as one CopyData message.
 */
#include "postgres.h"

#include "replication/logical.h"

#include "plugin/sink.h"

/* ctx->out may keep this many times frame_bytes, plus this. */
#define KEEP_FACTOR 4
#define KEEP_EXTRA (1024 * 1024)

/* The header is made without an LSN; etf_sink_send() says how it gets one. */
void
etf_sink_begin(EtfSession *session)
{
	OutputPluginPrepareWrite(session->ctx, false);
	etf_out_attach(&session->frame.out, session->ctx->out,
				   &session->options->forms);
}

/*
 * Which message is the last of a transaction is known only now.  Only that
 * one may carry its LSN: a reader that confirms what it has seen, as
 * pg_recvlogical does, would otherwise confirm a transaction of which it has a
 * part.  So the header is made once more over the first one: it has the same
 * length, and the bytes behind it stay where they are, save the first, which
 * resetStringInfo() may overwrite.
 */
static void
put_lsn(EtfSession *session)
{
	StringInfo buf = session->ctx->out;
	size_t start = session->frame.start;
	char first = buf->data[start];

	OutputPluginPrepareWrite(session->ctx, true);
	Assert((size_t) buf->len == start);
	buf->data[start] = first;
}

static void
shrink(StringInfo buf, int keep)
{
	if (buf->maxlen <= keep)
		return;
	resetStringInfo(buf);
	buf->data = repalloc(buf->data, keep);
	buf->maxlen = keep;
}

void
etf_sink_send(EtfSession *session, bool last)
{
	StringInfo buf = session->ctx->out;

	if (last)
		put_lsn(session);
	etf_out_detach(&session->frame.out);
	OutputPluginWrite(session->ctx, last);
	shrink(buf, KEEP_FACTOR * session->options->frame_bytes + KEEP_EXTRA);
}
