/*
 * tuple.h
 *		The rows of a change, before they become terms.
 *
 * What is decided by looking at a row's values is decided here, between the
 * WAL's tuples and the event: only then is a frame opened for it.
 */
#ifndef ETF_TUPLE_H
#define ETF_TUPLE_H

#include "replication/reorderbuffer.h"

#include "plugin/plan.h"

/* One row event that is to go out. */
typedef struct EtfRowEvent
{
	int action;				 /* ACTION_INSERT, _UPDATE or _DELETE */
	const EtfTuple *old_row; /* NULL: the WAL has none */
	const EtfTuple *new_row; /* NULL: of a delete */
	const bool *unchanged;	 /* of new_row, by attindex: not sent; or NULL */
} EtfRowEvent;

/*
 * Deform a change of the plan's table.  False: nothing goes out.  The tuples
 * are the plan's; they point into the change, and last until the next one.
 */
extern bool etf_tuple_read(const EtfPlan *plan, TupleDesc desc,
						   const ReorderBufferChange *change,
						   EtfRowEvent *event);

#endif
