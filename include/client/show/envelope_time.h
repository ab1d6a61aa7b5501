/*
 * envelope_time.h
 *		Dates and times as Debezium's connector converts them.
 *
 * False: the term is not such a value.
 */
#ifndef ETF_ENVELOPE_TIME_H
#define ETF_ENVELOPE_TIME_H

#include "client/show/column_type.h"
#include "client/show/show_term.h"

extern bool envelope_put_date(Show *show, TermReader *reader,
							  const ColumnType *type);

/* A time of day, or a timestamp without a zone. */
extern bool envelope_put_usecs(Show *show, TermReader *reader,
							   const ColumnType *type);
extern bool envelope_put_timetz(Show *show, TermReader *reader,
								const ColumnType *type);
extern bool envelope_put_timestamptz(Show *show, TermReader *reader,
									 const ColumnType *type);
extern bool envelope_put_interval(Show *show, TermReader *reader,
								  const ColumnType *type);

#endif
