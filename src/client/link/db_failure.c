/*
 * db_failure.c
 *		What a connection, or an answer, says went wrong.
 *
 * The other half of db.c; reason.c says what it means.
 */
#include <stdio.h>
#include <string.h>

#include "client/base/printable.h"
#include "client/link/db.h"

#define SQLSTATE_LEN 5

/* Does "28P01: " stand here, as verbose texts have it? */
static bool
is_sqlstate(const char *text)
{
	return strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
			   SQLSTATE_LEN &&
		   strncmp(text + SQLSTATE_LEN, ": ", 2) == 0;
}

/*
 * A verbose text, without what only programs want: codes, of which the last
 * one counts when several hosts were tried, and places in the server's source.
 */
static void
copy_text(Failure *failure, const char *text)
{
	char *to = failure->message;
	const char *end = to + sizeof(failure->message) - 1;

	while (*text != '\0' && to < end)
	{
		if (strncmp(text, "\nLOCATION:", 10) == 0)
			text += 1 + strcspn(text + 1, "\n");
		else if (strncmp(text, ":  ", 3) == 0 && is_sqlstate(text + 3))
		{
			memcpy(failure->sqlstate, text + 3, SQLSTATE_LEN);
			failure->sqlstate[SQLSTATE_LEN] = '\0';
			text += 3 + SQLSTATE_LEN;
		}
		else
			*to++ = *text++;
	}
	while (to > failure->message && (to[-1] == '\n' || to[-1] == ' '))
		to--;
	*to = '\0';
	make_printable(failure->message);
}

/* "$" in a hint of ours is the role. */
static void
put_hint(Db *db, const char *hint)
{
	const char *mark = strchr(hint, '$');
	const char *role = PQuser(db->conn);

	if (mark == NULL)
		failure_hint(&db->failure, "%s", hint);
	else
		failure_hint(&db->failure, "%.*s%s%s", (int) (mark - hint), hint,
					 role != NULL ? role : "", mark + 1);
}

static void
set_connection_failure(Db *db)
{
	const char *message = PQerrorMessage(db->conn);
	Failure *failure = &db->failure;
	Reason reason;

	failure_set(failure, FAIL_NETWORK, "connection lost");
	if (message[0] != '\0')
		copy_text(failure, message);
	reason = reason_find(db->stage, &(Report){.sqlstate = failure->sqlstate,
											  .message = message,
											  .hint = message,
											  .function = message});
	failure->password_missing = PQconnectionNeedsPassword(db->conn);
	failure->class = failure->password_missing ? FAIL_AUTH : reason.class;
	put_hint(db, reason.hint != NULL ? reason.hint
									 : failure_info(failure->class)->hint);
}

static void
set_server_failure(Db *db, const PGresult *result)
{
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	Report report = {
		.sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE),
		.message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
		.hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT),
		.function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION)};
	Reason reason = reason_find(db->stage, &report);
	Failure *failure = &db->failure;

	failure_set(failure, reason.class, "%s%s%s", report.message,
				detail != NULL ? ": " : "", detail != NULL ? detail : "");
	snprintf(failure->sqlstate, sizeof(failure->sqlstate), "%s",
			 report.sqlstate);
	if (reason.hint != NULL)
		put_hint(db, reason.hint);
	else if (report.hint != NULL)
		failure_hint(failure, "%s", report.hint);
}

/*
 * The first failure counts: after a FATAL error libpq adds another one of
 * its own that says less.
 */
void
db_set_failure(Db *db, const PGresult *result)
{
	if (db->failure.class != FAIL_NONE)
		return;
	if (PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL ||
		PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) == NULL)
		set_connection_failure(db);
	else
		set_server_failure(db, result);
}
