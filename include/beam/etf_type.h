/*
 * etf_type.h
 *		The SQL type etf: a term, checked, behind its version byte.
 */
#ifndef ETF_ETF_TYPE_H
#define ETF_ETF_TYPE_H

#include "fmgr.h"

#include "beam/fail.h"
#include "common/term/read.h"
#include "plugin/host.h"

/* Begin to write a value; the term is written behind. */
extern void etf_begin(TermOut *out);

/* The value.  54000 where a part of it did not fit. */
extern Datum etf_end(TermOut *out);

/* A value of these bytes, which have no version. */
extern Datum etf_of_term(FailBytes term);

/* 22P03 if a map in the next term, which is one, has a key twice. */
extern void etf_check_keys(const TermReader *reader);

/* The term of an argument, without its version. */
extern FailBytes etf_argument(FunctionCallInfo fcinfo, int number);

#endif
