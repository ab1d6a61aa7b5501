/*
 * sql.h
 *		The functions that CREATE EXTENSION declares.
 */
#ifndef ETF_SQL_H
#define ETF_SQL_H

#include "fmgr.h"

extern Datum etf_encode(PG_FUNCTION_ARGS);		 /* sql.c */
extern Datum etf_options_list(PG_FUNCTION_ARGS); /* options.c */
extern Datum etf_to_text(PG_FUNCTION_ARGS);		 /* sql_text.c */

#endif
