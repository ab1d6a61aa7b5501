/*
 * row_filter.h
 *		The conditions that publications set on rows.
 */
#ifndef ETF_ROW_FILTER_H
#define ETF_ROW_FILTER_H

#include "plugin/publication.h"
#include "plugin/row.h"

typedef struct EtfRowFilter EtfRowFilter;

/*
 * Of the table that is described, for rows of the relation whose changes come,
 * in the current memory context; "scratch" is for what need not stay.  NULL:
 * all rows pass.  A condition may raise an ERROR, here too: 1/0 > a does.
 */
extern EtfRowFilter *etf_row_filter_build(const EtfPublished *published,
										  Relation described, TupleDesc tuple,
										  MemoryContext scratch);

/*
 * What is left of an action, ACTION_INSERT, _UPDATE or _DELETE; 0: nothing.  An
 * update of a row that the condition did not let pass before is an insert, of
 * one that it does not let pass now a delete.  A row that the WAL does not have
 * is NULL.
 */
extern int etf_row_filter(const EtfRowFilter *filter, int action,
						  const EtfTuple *old_row, const EtfTuple *new_row);

/* Does it look at this column of a row? */
extern bool etf_row_filter_uses(const EtfRowFilter *filter, int attindex);

#endif
