/*
 * horizon.c
 *		SQL: etf_horizon() returns pg_lsn
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "utils/pg_lsn.h"

#include "compat/backend.h"
#include "plugin/sql.h"

/*
 * The insert position may stand behind the header of a page that has no
 * record yet.  An idle server never writes that page, so a reader who waits
 * for the stream to reach it would wait for ever.
 */
static XLogRecPtr
before_page_header(XLogRecPtr lsn)
{
	if (XLogSegmentOffset(lsn, wal_segment_size) == SizeOfXLogLongPHD)
		return lsn - SizeOfXLogLongPHD;
	if (lsn % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		return lsn - SizeOfXLogShortPHD;
	return lsn;
}

PG_FUNCTION_INFO_V1(etf_horizon);

/*
 * Up to here the log is flushed, since a stream has no more than that.  What
 * reading writes, such as the pruning of pages, nobody else would flush for a
 * while.
 *
 * On a standby a commit is visible before its record counts as replayed, so
 * the record that is being replayed counts, too.
 */
Datum
etf_horizon(PG_FUNCTION_ARGS)
{
	XLogRecPtr horizon;

	if (RecoveryInProgress())
		PG_RETURN_LSN(replay_horizon());
	horizon = before_page_header(GetXLogInsertRecPtr());
	XLogFlush(horizon);
	PG_RETURN_LSN(horizon);
}
