/*
 * sql.h
 *		The functions that CREATE EXTENSION pg_etf_beam declares; all other
 *		symbols are hidden.
 */
#ifndef ETF_BEAM_SQL_H
#define ETF_BEAM_SQL_H

#include "fmgr.h"

extern PGDLLEXPORT void _PG_init(void); /* beam.c */

/* elixir.c */
extern PGDLLEXPORT Datum elixir_call(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum elixir_call_async(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum elixir_get_result(PG_FUNCTION_ARGS);

/* health.c */
extern PGDLLEXPORT Datum elixir_health(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum elixir_restart(PG_FUNCTION_ARGS);

/* code.c */
extern PGDLLEXPORT Datum elixir_functions(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum elixir_load_code(PG_FUNCTION_ARGS);

extern PGDLLEXPORT Datum etf_decode(PG_FUNCTION_ARGS); /* decode_sql.c */

extern PGDLLEXPORT Datum erlang_fdw_validator(PG_FUNCTION_ARGS); /* servers.c */

/* etf_type.c */
extern PGDLLEXPORT Datum etf_in(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_out(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_recv(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_from_bytea(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_show(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_to_jsonb(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_from_any(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_atom(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_tuple(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_list(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_map(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_charlist(PG_FUNCTION_ARGS);

/* erlang.c */
extern PGDLLEXPORT Datum erlang_call(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum erlang_call_as(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum erlang_call_etf(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum erlang_send(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum erlang_send_pid(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum erlang_send_on_commit(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum erlang_connect(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum erlang_ping(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum erlang_disconnect(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum erlang_nodes(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum etf_emit(PG_FUNCTION_ARGS);

/* language.c */
extern PGDLLEXPORT Datum elixir_call_handler(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum elixir_inline_handler(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum elixir_validator(PG_FUNCTION_ARGS);

extern PGDLLEXPORT Datum elixir_import(PG_FUNCTION_ARGS); /* import.c */

#endif
