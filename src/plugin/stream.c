/*
 * stream.c
 *		Transactions that are sent while they are in progress.
 *
 * The server's stream callbacks.  Events go the way of any other, through
 * change.c and txn.c, which asks here for the head of a frame and whether one
 * must end.
 *
 * Only in a block, but not at its end, is there a transaction, and so the
 * catalogs.  A block can also end in the middle of an event: the server stops
 * when it meets an abort of what it decodes.
 *
 * PostgreSQL 18 tells of aborts of transactions that were not streamed.  They,
 * and any other of which nothing was sent, are not mentioned.
 */
#include "postgres.h"

#include "compat/decoding.h"
#include "plugin/change.h"
#include "plugin/sink.h"
#include "plugin/stream.h"
#include "plugin/txn.h"
#include "plugin/visible.h"

/* The one of a transaction, made at its first block. */
static EtfStream *
find_stream(EtfSession *session, ReorderBufferTXN *top)
{
	void **private = txn_private(top);

	if (*private == NULL)
	{
		EtfStream *stream =
			MemoryContextAllocZero(session->context, sizeof(EtfStream));

		stream->txn.tx.xid = top->xid;
		*private = stream;
	}
	return *private;
}

static void
forget_stream(ReorderBufferTXN *top)
{
	void **private = txn_private(top);
	EtfStream *stream = *private;

	*private = NULL;
	if (stream->txn.origin != NULL)
		pfree(stream->txn.origin);
	pfree(stream);
}

/* Its name in the first frame is for who does not wait for the commit. */
static void
put_stream_meta(TermOut *out, const EtfTxn *txn)
{
	bool told = txn->origin != NULL && !txn->tx.sent;

	etf_put_map(out, told);
	if (told)
	{
		etf_put_atom(out, "origin");
		etf_put_text(out, txn->origin, strlen(txn->origin));
	}
}

void
etf_stream_put_head(EtfSession *session)
{
	const EtfStream *stream = session->stream;

	frame_open_stream(&session->frame, &stream->txn.tx, stream->xid,
					  session->lsn);
	put_stream_meta(&session->frame.out, &stream->txn);
}

/* Any pointer is a mark: that of a subtransaction is not followed. */
void
etf_stream_mark(EtfStream *stream)
{
	if (stream->source != NULL)
		*txn_private(stream->source) = stream;
	stream->shown = stream->xid;
	stream->cuts = false;
}

static void
stream_start(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	EtfSession *session = ctx->output_plugin_private;
	EtfStream *stream = find_stream(session, txn);

	etf_txn_find_origin(session, &stream->txn, txn);
	session->stream = stream;
	session->txn = &stream->txn;
	session->frame.open = false;
}

/* The relations that its frames told may be void: they tell nobody else. */
static void
stream_stop(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	EtfSession *session = ctx->output_plugin_private;
	MemoryContext caller = etf_session_enter(session);

	etf_txn_cut(session);
	session->span++;
	session->stream = NULL;
	session->txn = &session->whole;
	etf_session_leave(session, caller);
}

static void
next_change(EtfSession *session, const ReorderBufferChange *change)
{
	EtfStream *stream = session->stream;

	output_progress_while_skipping(session->ctx, &session->skipped);
	stream->source = change->txn;
	stream->xid = change->txn->xid;
	session->lsn = change->lsn;
	stream->cuts = *txn_private(change->txn) == NULL;
}

static void
stream_change(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
			  Relation relation, ReorderBufferChange *change)
{
	next_change(ctx->output_plugin_private, change);
	etf_change(ctx->output_plugin_private, relation, change);
}

static void
stream_truncate(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
				int nrelations, Relation relations[],
				ReorderBufferChange *change)
{
	next_change(ctx->output_plugin_private, change);
	etf_truncate(ctx->output_plugin_private, nrelations, relations, change);
}

/*
 * The server names the transaction, but not the subtransaction.  That is the
 * one whose abort it looks out for, if it has not ended.
 */
static void
next_message(EtfSession *session, const ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	EtfStream *stream = session->stream;

	output_progress_while_skipping(session->ctx, &session->skipped);
	stream->source = NULL;
	stream->xid = TransactionIdIsValid(live_xid()) ? live_xid() : txn->xid;
	session->lsn = lsn;
	stream->cuts = stream->xid != txn->xid && stream->xid != stream->shown;
}

static void
stream_message(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
			   XLogRecPtr lsn, bool transactional, const char *prefix,
			   Size size, const char *content)
{
	next_message(ctx->output_plugin_private, txn, lsn);
	etf_message(ctx->output_plugin_private, transactional, lsn, prefix, content,
				size);
}

/* It may have been a crash that ended it, which no record tells of. */
static void
send_abort(EtfSession *session, const EtfStream *stream,
		   const ReorderBufferTXN *source, XLogRecPtr lsn)
{
	TimestampTz time = txn_abort_time(source);

	etf_sink_begin(session);
	frame_put_abort(&session->frame, stream->txn.tx.xid, source->xid, lsn,
					time == 0 ? 0 : etf_unix_time(time));
	etf_sink_send(session, false);
}

static void
stream_abort(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	EtfSession *session = ctx->output_plugin_private;
	ReorderBufferTXN *top = txn_top(txn);
	const EtfStream *stream = *txn_private(top);
	MemoryContext caller;

	if (stream == NULL)
		return;
	caller = etf_session_enter(session);
	if (stream->txn.tx.sent)
		send_abort(session, stream, txn, lsn);
	if (txn == top)
		forget_stream(top);
	etf_session_leave(session, caller);
}

/* A reader that now has the stream's events has its descriptions, too. */
static void
send_end(EtfSession *session, const EtfTxn *txn)
{
	output_progress(session->ctx, false);
	if (txn->gid == NULL)
		etf_await_visible(session, txn->tx.xid);
	etf_sink_begin(session);
	frame_open_end(&session->frame,
				   txn->gid == NULL ? "stream_commit" : "stream_prepare",
				   &txn->tx);
	etf_put_meta(&session->frame.out, txn);
	etf_sink_send(session, true);
	session->span++;
}

/* One of which nothing was sent is an ordinary one without events. */
static void
end_stream(EtfSession *session, ReorderBufferTXN *source, const char *gid)
{
	EtfTxn *txn = &find_stream(session, source)->txn;
	MemoryContext caller = etf_session_enter(session);

	txn->gid = gid;
	txn->tx.prepared = gid != NULL;
	etf_txn_set_position(txn, source);
	session->txn = txn;
	session->frame.open = false;
	if (txn->tx.sent)
		send_end(session, txn);
	else
		etf_txn_end(session);
	session->txn = &session->whole;
	forget_stream(source);
	etf_session_leave(session, caller);
}

static void
stream_commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
			  XLogRecPtr lsn)
{
	end_stream(ctx->output_plugin_private, txn, NULL);
}

static void
stream_prepare(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
			   XLogRecPtr lsn)
{
	end_stream(ctx->output_plugin_private, txn, txn_gid(txn));
}

void
etf_stream_startup(EtfSession *session, bool is_init)
{
	if (session->options->streaming && !can_stream())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("option \"streaming\" needs PostgreSQL 14 or later"),
				 errhint("Omit it: transactions then arrive when they have "
						 "committed.")));
	set_streaming(session->ctx, session->options->streaming && !is_init);
}

void
etf_stream_register(OutputPluginCallbacks *cb)
{
	REGISTER_SINCE_14(cb, stream_start_cb, stream_start);
	REGISTER_SINCE_14(cb, stream_stop_cb, stream_stop);
	REGISTER_SINCE_14(cb, stream_abort_cb, stream_abort);
	REGISTER_SINCE_14(cb, stream_commit_cb, stream_commit);
	REGISTER_SINCE_14(cb, stream_prepare_cb, stream_prepare);
	REGISTER_SINCE_14(cb, stream_change_cb, stream_change);
	REGISTER_SINCE_14(cb, stream_message_cb, stream_message);
	REGISTER_SINCE_14(cb, stream_truncate_cb, stream_truncate);
}
