/*
 * pg_etf_decoding.c
 *		Logical decoding output plugin: changes as Erlang terms.
 *
 * The story of a change, file by file: the server's reorder buffer calls a
 * callback here; change.c makes an event of it; relation.c has the plan of the
 * table, which plan.c built; tuple.c decides whether the row goes out; row.c
 * and value*.c write it in external term format; txn.c has a frame sent when it
 * is full or the transaction ends.
 *
 * Words used throughout:
 *
 *	frame		one message: a complete term with many events
 *	event		one change, message, or description of a table
 *	plan		all that must be known of a table to encode its rows
 *	session		from the startup callback to the end of ctx->context
 *
 * A transaction arrives when it commits, a prepared one at COMMIT PREPARED:
 * unless the options "streaming" and "two_phase" ask for stream.c and
 * prepare.c.  Their callbacks are there in any case, as PostgreSQL 18 may call
 * one of them without being asked to stream.
 */
#include "postgres.h"

#include "replication/origin.h"
#include "utils/memutils.h"

#include "compat/backend.h"
#include "compat/decoding.h"
#include "plugin/change.h"
#include "plugin/columns.h"
#include "plugin/prepare.h"
#include "plugin/relation.h"
#include "plugin/schema.h"
#include "plugin/stream.h"
#include "plugin/txn.h"
#include "plugin/type.h"
#include "sql/ddl.h"

ETF_MODULE_MAGIC("pg_etf_decoding");

void
_PG_init(void)
{
	etf_ddl_init();
	etf_columns_init();
}

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
	session->ctx = ctx;
	session->context = ctx->context;
	session->options =
		etf_options_parse(is_init ? NIL : ctx->output_plugin_options);
	etf_columns_check(session->options);
	session->txn = &session->whole;
	session->span = 1;
	session->change_context = AllocSetContextCreate(
		ctx->context, "pg_etf_decoding change", ALLOCSET_DEFAULT_SIZES);
	etf_schema_startup(session);
	etf_stream_startup(session, is_init);
	etf_prepare_startup(session, is_init);
	etf_plans_init(session);
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
	etf_txn_begin(ctx->output_plugin_private, txn, NULL);
}

static void
change(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Relation relation,
	   ReorderBufferChange *change)
{
	EtfSession *session = ctx->output_plugin_private;

	output_progress_while_skipping(ctx, &session->skipped);
	session->lsn = change->lsn;
	etf_change(session, relation, change);
}

static void
truncate_tables(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
				int nrelations, Relation relations[],
				ReorderBufferChange *change)
{
	EtfSession *session = ctx->output_plugin_private;

	output_progress_while_skipping(ctx, &session->skipped);
	session->lsn = change->lsn;
	etf_truncate(session, nrelations, relations, change);
}

static void
message(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn,
		bool transactional, const char *prefix, Size size, const char *content)
{
	EtfSession *session = ctx->output_plugin_private;

	output_progress_while_skipping(ctx, &session->skipped);
	session->lsn = lsn;
	etf_message(session, transactional, lsn, prefix, content, size);
}

static void
commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	etf_txn_end(ctx->output_plugin_private);
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
	etf_stream_register(cb);
	etf_prepare_register(cb);
}
