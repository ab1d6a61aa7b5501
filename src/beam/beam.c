/*
 * beam.c
 *		Second extension: functions in Elixir, and calls to Erlang nodes.
 *
 * The story of a call: SQL enters by elixir.c (functions of any kind),
 * language.c (CREATE FUNCTION ... LANGUAGE elixir) or erlang.c (nodes);
 * arguments become terms by the encoders of the output plugin; sidecar.c or
 * node.c send them over a socket of this backend, in which wire.c is the only
 * place that waits; decode.c makes a value of the answer, fail.c an ERROR.
 *
 * The BEAM that answers is run by supervisor.c in a worker process, which is
 * never on the way of a call, or by somebody else.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "beam/settings.h"
#include "beam/sql.h"
#include "beam/state.h"
#include "beam/supervisor.h"
#include "compat/backend.h"

ETF_MODULE_MAGIC("pg_etf_beam");

void
_PG_init(void)
{
	settings_define();
	if (!process_shared_preload_libraries_in_progress)
		return;
	state_request();
	supervisor_register();
}
