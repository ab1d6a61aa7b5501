/*
 * decoding.h
 *		What differs between PostgreSQL 13 and 19 for who decodes changes.
 *
 * Server versions are compared in this folder only ("make lint" looks).  All
 * else calls the neutral names.  Each header is sorted by the version that
 * made the difference.
 */
#ifndef ETF_COMPAT_DECODING_H
#define ETF_COMPAT_DECODING_H

#include "access/xact.h"
#include "replication/logical.h"
#include "replication/output_plugin.h"
#include "replication/reorderbuffer.h"
#include "utils/rel.h"
#include "utils/relcache.h"

/* since 18: RelationGetPrimaryKeyIndex also finds deferrable keys, if asked */
static inline Oid
relation_primary_key(Relation relation)
{
#if PG_VERSION_NUM >= 180000
	return RelationGetPrimaryKeyIndex(relation, false);
#else
	return RelationGetPrimaryKeyIndex(relation);
#endif
}

/* since 14: LSN_FORMAT_ARGS */
#ifndef LSN_FORMAT_ARGS
#define LSN_FORMAT_ARGS(lsn) ((uint32) ((lsn) >> 32)), ((uint32) (lsn))
#endif

/*
 * since 14: transactions can be streamed while they are in progress, and come
 * when they are prepared.  The server takes callbacks for a wish to do so, and
 * wants all of them if there is one.
 */
#if PG_VERSION_NUM >= 140000
#define REGISTER_SINCE_14(cb, name, function) ((cb)->name = (function))
#else
#define REGISTER_SINCE_14(cb, name, function) ((void) (cb), (void) (function))
#endif

static inline bool
can_stream(void)
{
	return PG_VERSION_NUM >= 140000;
}

static inline void
set_streaming(LogicalDecodingContext *ctx, bool on)
{
#if PG_VERSION_NUM >= 140000
	ctx->streaming = on;
#else
	(void) ctx;
	(void) on;
#endif
}

static inline void
set_two_phase(LogicalDecodingContext *ctx, bool on)
{
#if PG_VERSION_NUM >= 140000
	ctx->twophase = on;
#else
	(void) ctx;
	(void) on;
#endif
}

static inline bool
slot_is_two_phase(const LogicalDecodingContext *ctx)
{
#if PG_VERSION_NUM >= 140000
	return ctx->slot->data.two_phase;
#else
	(void) ctx;
	return false;
#endif
}

/* A plugin's own; NULL to begin with. */
static inline void **
txn_private(ReorderBufferTXN *txn)
{
#if PG_VERSION_NUM >= 140000
	return &txn->output_plugin_private;
#else
	static void *never = NULL;

	(void) txn;
	return &never;
#endif
}

static inline const char *
txn_gid(const ReorderBufferTXN *txn)
{
#if PG_VERSION_NUM >= 140000
	return txn->gid;
#else
	(void) txn;
	return "";
#endif
}

/* Whose change is decoded, if that is in progress or prepared; or invalid. */
static inline TransactionId
live_xid(void)
{
#if PG_VERSION_NUM >= 140000
	return CheckXidAlive;
#else
	return InvalidTransactionId;
#endif
}

/*
 * since 15: the option of a plugin can turn a slot to two-phase decoding, for
 * good.  False: it cannot.
 */
static inline bool
turn_to_two_phase(LogicalDecodingContext *ctx)
{
#if PG_VERSION_NUM >= 150000
	ctx->twophase_opt_given = true;
	return true;
#else
	(void) ctx;
	return false;
#endif
}

/*
 * since 15: the commit time shares a union with the prepare time, which since
 * 19 has no name
 */
static inline TimestampTz
txn_end_time(const ReorderBufferTXN *txn)
{
#if PG_VERSION_NUM >= 150000 && PG_VERSION_NUM < 190000
	return txn->xact_time.commit_time;
#else
	return txn->commit_time;
#endif
}

/* since 15: takes whether the transaction was skipped */
static inline void
output_progress(LogicalDecodingContext *ctx, bool skipped)
{
#if PG_VERSION_NUM >= 150000
	OutputPluginUpdateProgress(ctx, skipped);
#else
	OutputPluginUpdateProgress(ctx);
#endif
}

/* since 16: when it was rolled back; 0 also after a crash */
static inline TimestampTz
txn_abort_time(const ReorderBufferTXN *txn)
{
#if PG_VERSION_NUM >= 190000
	return txn->abort_time;
#elif PG_VERSION_NUM >= 160000
	return txn->xact_time.abort_time;
#else
	(void) txn;
	return 0;
#endif
}

/* since 16: there is a macro; 13 does not tell of subtransactions */
static inline ReorderBufferTXN *
txn_top(ReorderBufferTXN *txn)
{
#if PG_VERSION_NUM >= 160000
	return rbtxn_get_toptxn(txn);
#elif PG_VERSION_NUM >= 140000
	return txn->toptxn != NULL ? txn->toptxn : txn;
#else
	return txn;
#endif
}

/*
 * since 16: the server itself keeps the walsender alive while a plugin skips
 * changes.  Before, the plugin has to say now and then that it is working;
 * pgoutput, too, does so every 100 changes.
 */
static inline void
output_progress_while_skipping(LogicalDecodingContext *ctx, int *changes)
{
#if PG_VERSION_NUM < 160000
	if (ctx->end_xact || ++*changes >= 100)
	{
		output_progress(ctx, false);
		*changes = 0;
	}
#else
#endif
}

/* since 16: declared in output_plugin.h */
#if PG_VERSION_NUM < 160000
extern PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks *cb);
extern PGDLLEXPORT void _PG_init(void);
#endif

/* since 17: a change holds its tuples without a wrapper */
#if PG_VERSION_NUM >= 170000
#define CHANGE_TUPLE(tuple) (tuple)
#else
#define CHANGE_TUPLE(buf) ((buf) != NULL ? &(buf)->tuple : NULL)
#endif

static inline HeapTuple
change_new_tuple(const ReorderBufferChange *change)
{
	return CHANGE_TUPLE(change->data.tp.newtuple);
}

static inline HeapTuple
change_old_tuple(const ReorderBufferChange *change)
{
	return CHANGE_TUPLE(change->data.tp.oldtuple);
}

/* since 19: the type of an origin's number has another name */
#if PG_VERSION_NUM < 190000
#define ReplOriginId RepOriginId
#define InvalidReplOriginId InvalidRepOriginId
#endif

#endif
