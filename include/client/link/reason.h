/*
 * reason.h
 *		Which failure it is that the server or libpq reports, and what to do.
 *
 * Two tables in reason.c: one for SQLSTATEs, one for what libpq finds itself.
 */
#ifndef ETF_REASON_H
#define ETF_REASON_H

#include "client/base/failure.h"

/* What a connection was busy with: the same SQLSTATE means other things. */
typedef enum FailureStage
{
	STAGE_CONNECT,
	STAGE_SETUP,
	STAGE_PUBLISH,
	STAGE_CREATE,
	STAGE_DROP,
	STAGE_START,
	STAGE_STREAM,
	STAGE_PGOUTPUT /* a stream of it */
} FailureStage;

/* What was reported.  Each may be NULL. */
typedef struct Report
{
	const char *sqlstate;
	const char *message;
	const char *hint;

	/*
	 * The function of the server that raised it: unlike a text, that is never
	 * translated.  While connecting, all that there is, in which it is named.
	 */
	const char *function;
} Report;

typedef struct Reason
{
	FailureClass class;
	const char *hint; /* better than the server's; "$" stands for the role */
} Reason;

extern Reason reason_find(FailureStage stage, const Report *report);

#endif
