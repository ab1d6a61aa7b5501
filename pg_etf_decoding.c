/*
 * pg_etf_decoding.c
 *		Logical decoding output plugin: changes as Erlang terms.
 *
 * The story of a change, file by file: the server's reorder buffer calls a
 * callback here; change.c decides what goes out; relation.c has the plan of
 * the table; row.c and value*.c write the row in external term format;
 * txn.c sends a frame when it is full or the transaction ends.
 *
 * Words used throughout:
 *
 *	frame		one message: a complete term with many events
 *	event		one change, message, or description of a table
 *	plan		all that must be known of a table to encode its rows
 *	session		from the startup callback to the end of ctx->context
 *
 * A transaction arrives when it commits.  No two-phase callback is registered,
 * so a prepared one arrives at COMMIT PREPARED, also from a slot that was made
 * for two-phase decoding: that must hold for every session of a slot, or what
 * was prepared between two of them would be lost.
 */
#include "postgres.h"

#include "replication/origin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "plugin/change.h"
#include "plugin/relation.h"
#include "plugin/txn.h"
#include "plugin/value.h"

ETF_MODULE_MAGIC;

/*
 * When a slot is created there are no options and nothing is decoded: the
 * session then exists for the callbacks' sake only.
 */
static void
startup(LogicalDecodingContext *ctx, OutputPluginOptions *opt, bool is_init)
{
	EtfSession *session = palloc0(sizeof(EtfSession));

	opt->output_type = OUTPUT_PLUGIN_BINARY_OUTPUT;
	opt->receive_rewrites = false;
	no_streaming(ctx);
	session->ctx = ctx;
	session->options =
		etf_options_parse(is_init ? NIL : ctx->output_plugin_options);
	session->out.buf = ctx->out;
	session->out.options = session->options;
	session->change_context = AllocSetContextCreate(
		ctx->context, "pg_etf_decoding change", ALLOCSET_DEFAULT_SIZES);
	etf_relations_init(session);
	ctx->output_plugin_private = session;
}

static bool
filter_by_origin(LogicalDecodingContext *ctx, ReplOriginId origin)
{
	EtfSession *session = ctx->output_plugin_private;

	return session->options->origin == ORIGIN_NONE &&
		   origin != InvalidReplOriginId;
}

static void
begin(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	etf_txn_begin(ctx->output_plugin_private);
}

static void
change(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Relation relation,
	   ReorderBufferChange *change)
{
	EtfSession *session = ctx->output_plugin_private;

	output_progress_while_skipping(ctx, &session->skipped);
	etf_change(session, txn, relation, change);
}

static void
truncate_tables(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
				int nrelations, Relation relations[],
				ReorderBufferChange *change)
{
	EtfSession *session = ctx->output_plugin_private;

	output_progress_while_skipping(ctx, &session->skipped);
	etf_truncate(session, txn, nrelations, relations, change);
}

static void
message(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn,
		bool transactional, const char *prefix, Size size, const char *content)
{
	EtfSession *session = ctx->output_plugin_private;

	output_progress_while_skipping(ctx, &session->skipped);
	etf_message(session, transactional ? txn : NULL, lsn, prefix, content,
				size);
}

static void
commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	etf_txn_commit(ctx->output_plugin_private, txn);
}

void
_PG_output_plugin_init(OutputPluginCallbacks *cb)
{
	cb->startup_cb = startup;
	cb->filter_by_origin_cb = filter_by_origin;
	cb->begin_cb = begin;
	cb->change_cb = change;
	cb->truncate_cb = truncate_tables;
	cb->message_cb = message;
	cb->commit_cb = commit;
	register_silent_streaming(cb);
}
