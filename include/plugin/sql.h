/*
 * sql.h
 *		The functions that CREATE EXTENSION declares; all other symbols are
 *		hidden.
 */
#ifndef ETF_SQL_H
#define ETF_SQL_H

#include "fmgr.h"

extern PGDLLEXPORT Datum etf_encode(PG_FUNCTION_ARGS);		 /* sql.c */
extern PGDLLEXPORT Datum etf_options_list(PG_FUNCTION_ARGS); /* options.c */
extern PGDLLEXPORT Datum etf_to_text(PG_FUNCTION_ARGS);		 /* sql_text.c */

#endif
