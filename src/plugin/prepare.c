/*
 * prepare.c
 *		Transactions that are sent when they are prepared.
 *
 * The server's two-phase callbacks.  Whether a slot decodes what is prepared
 * must be the same in every session of it: what was prepared in a session
 * without would, in a session with, be taken for sent, and lost.  So the slot
 * and the option have to go together, and there is no filter.
 */
#include "postgres.h"

#include "compat/decoding.h"
#include "plugin/prepare.h"
#include "plugin/sink.h"
#include "plugin/txn.h"
#include "plugin/visible.h"

static void
begin_prepare(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	etf_txn_begin(ctx->output_plugin_private, txn, txn_gid(txn));
}

/*
 * If the transaction was rolled back meanwhile, the server has stopped in the
 * middle of an event, and there is no transaction here.
 */
static void
prepare(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	EtfSession *session = ctx->output_plugin_private;
	MemoryContext caller = etf_session_enter(session);

	etf_txn_end(session);
	etf_session_leave(session, caller);
}

static void
put_gid(TermOut *out, const ReorderBufferTXN *txn)
{
	const char *gid = txn_gid(txn);

	etf_put_atom(out, "gid");
	etf_put_text(out, gid, strlen(gid));
}

static TermOut *
begin_decision(EtfSession *session, const char *name,
			   const ReorderBufferTXN *source)
{
	EtfTxn *txn = &session->whole;

	etf_txn_set_position(txn, source);
	output_progress(session->ctx, false);
	etf_sink_begin(session);
	frame_open_end(&session->frame, name, &txn->tx);
	return &session->frame.out;
}

static void
commit_prepared(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
				XLogRecPtr lsn)
{
	EtfSession *session = ctx->output_plugin_private;
	MemoryContext caller = etf_session_enter(session);
	TermOut *out;

	etf_await_visible(session, txn->xid);
	out = begin_decision(session, "commit_prepared", txn);
	etf_put_map(out, 1);
	put_gid(out, txn);
	etf_sink_send(session, true);
	etf_session_leave(session, caller);
}

static void
rollback_prepared(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
				  XLogRecPtr prepare_end_lsn, TimestampTz prepare_time)
{
	EtfSession *session = ctx->output_plugin_private;
	MemoryContext caller = etf_session_enter(session);
	TermOut *out = begin_decision(session, "rollback_prepared", txn);

	etf_put_map(out, 3);
	put_gid(out, txn);
	etf_put_atom(out, "prepare_end_lsn");
	etf_put_uint(out, prepare_end_lsn);
	etf_put_atom(out, "prepare_time");
	etf_put_int(out, etf_unix_time(prepare_time));
	etf_sink_send(session, true);
	etf_session_leave(session, caller);
}

static void
check_slot(EtfSession *session)
{
	LogicalDecodingContext *ctx = session->ctx;

	if (!can_stream())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("option \"two_phase\" needs PostgreSQL 14 or later"),
				 errhint("Omit it: prepared transactions then arrive at "
						 "COMMIT PREPARED.")));
	if (!slot_is_two_phase(ctx) && !turn_to_two_phase(ctx))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("replication slot \"%s\" was not created for "
						"two-phase decoding",
						NameStr(ctx->slot->data.name)),
				 errhint("Create a slot with two_phase, or omit the option: "
						 "PostgreSQL 14 cannot turn a slot.")));
}

static void
refuse_slot(const LogicalDecodingContext *ctx)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("replication slot \"%s\" is for two-phase decoding, but "
					"option \"two_phase\" is off",
					NameStr(ctx->slot->data.name)),
			 errdetail("What is prepared while it is read so would be lost "
					   "when it is read with the option again."),
			 errhint("Add two_phase=on, or create a slot without two_phase.")));
}

void
etf_prepare_startup(EtfSession *session, bool is_init)
{
	bool wanted = session->options->two_phase;

	if (wanted)
		check_slot(session);
	else if (!is_init && slot_is_two_phase(session->ctx))
		refuse_slot(session->ctx);
	set_two_phase(session->ctx, wanted);
}

void
etf_prepare_register(OutputPluginCallbacks *cb)
{
	REGISTER_SINCE_14(cb, begin_prepare_cb, begin_prepare);
	REGISTER_SINCE_14(cb, prepare_cb, prepare);
	REGISTER_SINCE_14(cb, commit_prepared_cb, commit_prepared);
	REGISTER_SINCE_14(cb, rollback_prepared_cb, rollback_prepared);
}
