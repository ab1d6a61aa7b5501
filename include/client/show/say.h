/*
 * say.h
 *		What the printing client says on stderr.
 */
#ifndef ETF_SAY_H
#define ETF_SAY_H

#include "client/base/consumer.h"

typedef struct Say
{
	bool verbose;
	bool stats;		   /* statistics are wanted here */
	bool screen;	   /* stderr is a terminal, and shows the progress */
	bool nothing_left; /* of tables that are to be read */
	bool down;		   /* a failure was reported, and no connection since */
	char reported[sizeof(((Failure *) 0)->message)]; /* the last one */
	int64_t reported_at;
} Say;

extern void say_line(const Say *say, const char *level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A report of the engine at "now", as far as a person wants to know. */
extern void say_report(Say *say, int64_t now, const char *tag, const char *name,
					   const Field *fields, size_t count);

/* A report about what is read of tables. */
extern void say_backfill(Say *say, const char *name, const Field *fields,
						 size_t count);

#endif
