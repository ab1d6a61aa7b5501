/*
 * rows.h
 *		Rows of pgoutput as maps or tuples.
 */
#ifndef ETF_ROWS_H
#define ETF_ROWS_H

#include "client/source/pgoutput.h"
#include "client/source/plan.h"

/*
 * A new row.  What the update did not change, and is not in the WAL, is taken
 * from "old_row", which may be NULL, where it is there.  False: a composite
 * has other fields than are known, see WIRE_CHANGED.  Values that cannot be read
 * at all are {unparsed, Bytes}, which plan->unread remembers.
 */
extern bool rows_put_new(TermOut *out, Plan *plan, const PgRow *row,
						 const PgRow *old_row);

/* {key, Row} or {full, Row}, by the mark that pgoutput gave it */
extern bool rows_put_old(TermOut *out, Plan *plan, const PgRow *row, char mark);

/*
 * A row of COPY in binary format, behind its count; "formats" has a WireFormat
 * for each column.  As with a new row; values that end too early leave the
 * reader bad.
 */
extern bool rows_put_copied(TermOut *out, Plan *plan, const char *formats,
							PgReader *values);

#endif
