/*
 * bench_floor.c
 *		An output plugin that writes nothing: what decoding costs by itself.
 *
 * bench/plugin subtracts its time from that of the plugins that do write.
 * It tells the server of its progress at each commit, as they do.
 */
#include "postgres.h"

#include "compat/decoding.h"

PG_MODULE_MAGIC;

static void
startup(LogicalDecodingContext *ctx, OutputPluginOptions *opt, bool is_init)
{
	opt->output_type = OUTPUT_PLUGIN_BINARY_OUTPUT;
}

static void
begin(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
}

static void
change(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Relation relation,
	   ReorderBufferChange *change)
{
}

static void
commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	output_progress(ctx, false);
}

void
_PG_output_plugin_init(OutputPluginCallbacks *cb)
{
	cb->startup_cb = startup;
	cb->begin_cb = begin;
	cb->change_cb = change;
	cb->commit_cb = commit;
}
