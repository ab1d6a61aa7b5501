/*
 * arguments.h
 *		Arguments of a SQL function, of whatever types, as terms.
 *
 * From the argument "first" on, which may be a VARIADIC array; NULL is nil.
 * The plans of the types are kept in fn_extra, which is this file's own.
 */
#ifndef ETF_ARGUMENTS_H
#define ETF_ARGUMENTS_H

#include "fmgr.h"

#include "plugin/host.h"

extern int arguments_count(FunctionCallInfo fcinfo, int first);
extern void arguments_put(TermOut *out, FunctionCallInfo fcinfo, int first);

/* One of them alone. */
extern void argument_put(TermOut *out, FunctionCallInfo fcinfo, int number);

/* A pointer of the caller's own that lives as long, NULL at first. */
extern void **arguments_extra(FunctionCallInfo fcinfo);

#endif
