/*
 * supervisor.h
 *		The worker that runs the BEAM.
 */
#ifndef ETF_SUPERVISOR_H
#define ETF_SUPERVISOR_H

#include "fmgr.h"

/* While the server starts. */
extern void supervisor_register(void);

extern PGDLLEXPORT void elixir_sidecar_main(Datum argument);

#endif
