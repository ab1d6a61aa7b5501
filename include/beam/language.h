/*
 * language.h
 *		The two kinds of calls that language.c hands on.
 */
#ifndef ETF_LANGUAGE_H
#define ETF_LANGUAGE_H

#include "fmgr.h"

/* srf.c: all rows at once, into a tuplestore. */
extern Datum elixir_call_set(FunctionCallInfo fcinfo);

/* trigger.c */
extern Datum elixir_call_trigger(FunctionCallInfo fcinfo);

#endif
