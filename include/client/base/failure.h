/*
 * failure.h
 *		Ways in which the client can fail, and what each one means.
 *
 * Every failure has one class.  The class decides whether to try again, the
 * exit status, the atom in {fatal, Class, Map} and the hint; docs/operations.md
 * says what a person does about it.  One table in failure.c has it all.
 */
#ifndef ETF_FAILURE_H
#define ETF_FAILURE_H

#include <stdbool.h>
#include <stdio.h>

typedef enum FailureClass
{
	FAIL_NONE,
	FAIL_INTERNAL,
	FAIL_USAGE,
	FAIL_CONFIG,
	FAIL_AUTH,
	FAIL_SLOT_MISSING,
	FAIL_SLOT_ACTIVE,
	FAIL_SLOT_LOST,
	FAIL_WRONG_PLUGIN,
	FAIL_PLUGIN_NOT_ALLOWED,
	FAIL_PROTOCOL,
	FAIL_GAP,
	FAIL_WRONG_SERVER,
	FAIL_NETWORK,
	FAIL_SERVER_SHUTDOWN,
	FAIL_SERVER_ERROR,
	FAIL_OUTPUT,
	FAIL_SLOT_MOVED
} FailureClass;

#define FAILURE_CLASSES (FAIL_SLOT_MOVED + 1)

typedef enum FailurePolicy
{
	POLICY_STOP,
	POLICY_RETRY,
	POLICY_WAIT /* for another owner of the slot; then stop */
} FailurePolicy;

typedef struct FailureInfo
{
	const char *name;
	int exit_status;
	FailurePolicy policy;
	const char *hint;
} FailureInfo;

typedef struct Failure
{
	FailureClass class;
	char sqlstate[6];
	char message[512];
	char hint[512];		   /* what to do */
	bool password_missing; /* it was asked for, and there is none */
} Failure;

extern const FailureInfo *failure_info(FailureClass class);

/* Set class, message and the class's own hint. */
extern void failure_set(Failure *failure, FailureClass class,
						const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A better one. */
extern void failure_hint(Failure *failure, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "pg_etf_client: error: ..." with a hint, if any; returns the exit status. */
extern int failure_print(const Failure *failure);

/* The table of exit statuses, for --help. */
extern void failure_print_classes(FILE *file);

#endif
