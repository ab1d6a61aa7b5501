/*
 * sql.h
 *		The functions of src/sql, which CREATE EXTENSION declares; all other
 *		symbols are hidden.
 */
#ifndef ETF_SQL_H
#define ETF_SQL_H

#include "fmgr.h"

extern PGDLLEXPORT Datum etf_ddl_event(PG_FUNCTION_ARGS);	 /* ddl_event.c */
extern PGDLLEXPORT Datum etf_disable_ddl(PG_FUNCTION_ARGS);	 /* ddl_trigger.c */
extern PGDLLEXPORT Datum etf_enable_ddl(PG_FUNCTION_ARGS);	 /* ddl_trigger.c */
extern PGDLLEXPORT Datum etf_encode(PG_FUNCTION_ARGS);		 /* encode.c */
extern PGDLLEXPORT Datum etf_horizon(PG_FUNCTION_ARGS);		 /* horizon.c */
extern PGDLLEXPORT Datum etf_key_bound(PG_FUNCTION_ARGS);	 /* key_bound.c */
extern PGDLLEXPORT Datum etf_options_list(PG_FUNCTION_ARGS); /* options.c */
extern PGDLLEXPORT Datum etf_read(PG_FUNCTION_ARGS);		 /* read.c */
extern PGDLLEXPORT Datum etf_tables(PG_FUNCTION_ARGS);		 /* tables.c */
extern PGDLLEXPORT Datum etf_to_text(PG_FUNCTION_ARGS);		 /* to_text.c */

#endif
