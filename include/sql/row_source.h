/*
 * row_source.h
 *		Rows of a table one by one, by blocks or by a query.
 *
 * What a source opens is closed by end(); after an ERROR the resource owner
 * closes it.  Rows are those that the snapshot active at the start sees.
 */
#ifndef ETF_SQL_ROW_SOURCE_H
#define ETF_SQL_ROW_SOURCE_H

#include "storage/block.h"
#include "utils/rel.h"

#include "plugin/row.h"

typedef struct RowSource RowSource;

struct RowSource
{
	/* The next row, valid until the next call; false: there is none. */
	bool (*next)(RowSource *source, EtfTuple *row);
	void (*end)(RowSource *source);
};

/*
 * These blocks of a heap, as it lies there: no executor, and a ring of
 * buffers, so that a large table does not sweep the others out.  The caller
 * has checked what the user may read.
 */
extern RowSource *etf_scan_blocks(Relation relation, BlockNumber from,
								  BlockNumber count);

/* What a SELECT returns. */
extern RowSource *etf_scan_query(const char *sql);

#endif
