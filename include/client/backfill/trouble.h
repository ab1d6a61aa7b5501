/*
 * trouble.h
 *		What a failure means for whoever reads tables.
 */
#ifndef ETF_TROUBLE_H
#define ETF_TROUBLE_H

#include "client/base/failure.h"

typedef enum ReaderTrouble
{
	TROUBLE_NONE,
	TROUBLE_LOST,	   /* the connection, or it could not be had */
	TROUBLE_BUSY,	   /* a lock, a conflict, no memory: the same again */
	TROUBLE_REWRITTEN, /* the guard of the filenode: 55000 */
	TROUBLE_GONE,	   /* no such table, schema or column */
	TROUBLE_REFUSED	   /* rights, row level security, a condition that fails */
} ReaderTrouble;

/* Of a statement, by its SQLSTATE; empty: there was none. */
extern ReaderTrouble trouble_of(const char *sqlstate);

/* Is it worth another try?  "class": why the connection was lost. */
extern bool trouble_passes(ReaderTrouble trouble, FailureClass class);

#endif
