/*
 * compat.h
 *		Every difference between PostgreSQL 13 and 19 that the plugin meets.
 *
 * The only file with PG_VERSION_NUM in it ("make lint" looks).  The rest of
 * the plugin calls the neutral names below.  Sorted by the version that made
 * the difference.
 */
#ifndef ETF_COMPAT_H
#define ETF_COMPAT_H

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "replication/logical.h"
#include "replication/output_plugin.h"
#include "replication/reorderbuffer.h"
#include "utils/lsyscache.h"
#if PG_VERSION_NUM >= 140000
#include "utils/multirangetypes.h"
#endif
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * The key columns of an index, read from the catalogs: opening the index
 * could fail under a historic snapshot.  Attribute numbers are offset by
 * FirstLowInvalidHeapAttributeNumber.
 */
static inline Bitmapset *
index_key_columns(Oid index)
{
	Bitmapset *columns = NULL;
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; i < form->indnkeyatts; i++)
		columns =
			bms_add_member(columns, form->indkey.values[i] -
										FirstLowInvalidHeapAttributeNumber);
	ReleaseSysCache(tuple);
	return columns;
}

/* since 14: RelationGetIdentityKeyBitmap does this, but opens the index */
static inline Bitmapset *
relation_identity_columns(Relation relation)
{
	return index_key_columns(RelationGetReplicaIndex(relation));
}

/* since 18: RelationGetPrimaryKeyIndex also finds deferrable keys, if asked */
static inline Bitmapset *
relation_primary_key(Relation relation)
{
#if PG_VERSION_NUM >= 180000
	return index_key_columns(RelationGetPrimaryKeyIndex(relation, false));
#else
	return index_key_columns(RelationGetPrimaryKeyIndex(relation));
#endif
}

/* since 14: LSN_FORMAT_ARGS */
#ifndef LSN_FORMAT_ARGS
#define LSN_FORMAT_ARGS(lsn) ((uint32) ((lsn) >> 32)), ((uint32) (lsn))
#endif

/*
 * since 14: transactions can be streamed while they are in progress.  The
 * plugin does not ask for that, but 18 calls stream_abort nevertheless, for
 * an aborted subtransaction of a large transaction, and raises an ERROR if
 * it is missing; and it wants all of them if there is one.
 */
#if PG_VERSION_NUM >= 140000
static inline void
ignore_stream_block(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
}

static inline void
ignore_stream_end(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
				  XLogRecPtr lsn)
{
}

static inline void
ignore_stream_change(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
					 Relation relation, ReorderBufferChange *change)
{
}
#endif

static inline void
register_silent_streaming(OutputPluginCallbacks *cb)
{
#if PG_VERSION_NUM >= 140000
	cb->stream_start_cb = ignore_stream_block;
	cb->stream_stop_cb = ignore_stream_block;
	cb->stream_abort_cb = ignore_stream_end;
	cb->stream_commit_cb = ignore_stream_end;
	cb->stream_change_cb = ignore_stream_change;
#else
	(void) cb;
#endif
}

/* The server takes callbacks for a wish to stream. */
static inline void
no_streaming(LogicalDecodingContext *ctx)
{
#if PG_VERSION_NUM >= 140000
	ctx->streaming = false;
#else
	(void) ctx;
#endif
}

/* since 14: multiranges; the ranges' type, or InvalidOid for other types */
static inline Oid
multirange_range(Oid typid)
{
#if PG_VERSION_NUM >= 140000
	return get_multirange_range(typid);
#else
	(void) typid;
	return InvalidOid;
#endif
}

/* The ranges of a multirange; "range_cache" is their type's. */
static inline int
multirange_ranges(Datum multirange, TypeCacheEntry *range_cache, Datum **ranges)
{
#if PG_VERSION_NUM >= 140000
	int32 count;
	RangeType **items;

	multirange_deserialize(range_cache, DatumGetMultirangeTypeP(multirange),
						   &count, &items);
	*ranges = palloc(sizeof(Datum) * Max(count, 1));
	for (int i = 0; i < count; i++)
		(*ranges)[i] = RangeTypePGetDatum(items[i]);
	return count;
#else
	(void) multirange;
	(void) range_cache;
	*ranges = NULL;
	return 0;
#endif
}

/*
 * since 14: conversions can be told not to raise an ERROR.  "dest" has room
 * for MAX_CONVERSION_GROWTH times "len", and one more.
 */
static inline bool
convert_to_utf8(FmgrInfo *function, const char *text, Size len, char *dest)
{
#if PG_VERSION_NUM >= 140000
	int32 done = DatumGetInt32(FunctionCall6(
		function, Int32GetDatum(GetDatabaseEncoding()), Int32GetDatum(PG_UTF8),
		CStringGetDatum(text), CStringGetDatum(dest),
		Int32GetDatum((int32) len), BoolGetDatum(true)));

	return (Size) done == len;
#else
	MemoryContext context = CurrentMemoryContext;
	volatile bool converted = true;

	PG_TRY();
	{
		FunctionCall5(function, Int32GetDatum(GetDatabaseEncoding()),
					  Int32GetDatum(PG_UTF8), CStringGetDatum(text),
					  CStringGetDatum(dest), Int32GetDatum((int32) len));
	}
	PG_CATCH();
	{
		int code = geterrcode();

		if (code != ERRCODE_UNTRANSLATABLE_CHARACTER &&
			code != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		converted = false;
	}
	PG_END_TRY();
	return converted;
#endif
}

/*
 * since 15: the commit time shares a union with the prepare time, which since
 * 19 has no name
 */
static inline TimestampTz
txn_commit_time(const ReorderBufferTXN *txn)
{
#if PG_VERSION_NUM >= 150000 && PG_VERSION_NUM < 190000
	return txn->xact_time.commit_time;
#else
	return txn->commit_time;
#endif
}

/* since 15: told whether the transaction was skipped */
static inline void
output_progress(LogicalDecodingContext *ctx, bool skipped)
{
#if PG_VERSION_NUM >= 150000
	OutputPluginUpdateProgress(ctx, skipped);
#else
	OutputPluginUpdateProgress(ctx);
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
#endif

/* since 17: the largest and the smallest interval stand for infinity */
static inline bool
interval_is_infinite(const Interval *interval)
{
#if PG_VERSION_NUM >= 170000
	return INTERVAL_NOT_FINITE(interval);
#else
	(void) interval;
	return false;
#endif
}

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

/* since 18: generated columns that are not stored, and so not in the WAL */
static inline bool
attribute_in_tuple(Form_pg_attribute attribute)
{
	if (attribute->attisdropped)
		return false;
#ifdef ATTRIBUTE_GENERATED_VIRTUAL
	return attribute->attgenerated != ATTRIBUTE_GENERATED_VIRTUAL;
#else
	return true;
#endif
}

/* since 18: a module tells its name and version */
#ifdef PG_MODULE_MAGIC_EXT
#define ETF_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "pg_etf_decoding", .version = ETF_VERSION)
#else
#define ETF_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* since 19: types of these names; before, a row of a table that finds none */
#if PG_VERSION_NUM < 190000
#define OID8OID InvalidOid
#define REGDATABASEOID InvalidOid
#endif

/* since 19: the type of an origin's number has another name */
#if PG_VERSION_NUM < 190000
#define ReplOriginId RepOriginId
#define InvalidReplOriginId InvalidRepOriginId
#endif

#endif
