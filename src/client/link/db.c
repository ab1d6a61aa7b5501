/*
 * db.c
 *		One libpq connection that never blocks.
 *
 * Name resolution is the exception: libpq does it inside PQconnectPoll(), for
 * each host when it comes to it.
 */
#include "client/link/db.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/printable.h"
#include "common/term/lsn.h"

#define PARAMS_FIXED 12

/*
 * What is decrypted does not wake poll(), and libpq before the minor releases
 * of August 2026 leaves some of it in OpenSSL when its own buffer is full.
 * That buffer has room for the message that is being read, so a full one holds
 * a whole message, or else only the head of one: after so many reads in a row
 * that complete no message, nothing is left there.
 */
#define ENCRYPTED_READS 2

/* libpq's keywords and values, later ones winning over earlier ones. */
typedef struct Params
{
	const char **names;
	const char **values;
	size_t count;
} Params;

static void
put_param(Params *params, const char *name, const char *value)
{
	params->names[params->count] = name;
	params->values[params->count++] = value;
}

/*
 * Defaults first, then what the user wants, then what must be.  A dead peer
 * is found in a minute or so, whatever the kernel's defaults are.
 */
static void
fill_params(Params *params, const Settings *settings, const Hosts *hosts,
			bool replication, const char *user_timeout)
{
	put_param(params, "keepalives_idle", "30");
	put_param(params, "keepalives_interval", "10");
	put_param(params, "keepalives_count", "3");
	put_param(params, "tcp_user_timeout", user_timeout);
	if (settings->conninfo != NULL)
		put_param(params, "dbname", settings->conninfo);
	for (size_t i = 0; i < settings->connection.count; i++)
		put_param(params, settings->connection.items[i].name,
				  settings->connection.items[i].value);
	for (size_t i = 0; i < HOST_LISTS; i++)
	{
		if (hosts->lists[i][0] != '\0')
			put_param(params, host_lists[i], hosts->lists[i]);
	}
	put_param(params, "fallback_application_name", PROGRAM_NAME);
	put_param(params, "client_encoding", "UTF8");
	if (replication)
		put_param(params, "replication", "database");
	put_param(params, NULL, NULL);
}

/* Several stand behind each other, as far as there is room. */
static void
keep_warning(Db *db, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *severity =
		PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	size_t len = strlen(db->warning);

	if (db->state != DB_COPY || text == NULL || severity == NULL ||
		strcmp(severity, "WARNING") != 0)
		return;
	snprintf(db->warning + len, sizeof(db->warning) - len, "%s%s",
			 len > 0 ? "; " : "", text);
	make_printable(db->warning);
}

/*
 * A session that is ended while it is idle is told so by an unexpected
 * ERROR, which libpq treats as a notice.
 */
static void
on_notice(void *arg, const PGresult *result)
{
	Db *db = arg;
	Report report = {.sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE)};

	db->shutdown |=
		reason_find(STAGE_STREAM, &report).class == FAIL_SERVER_SHUTDOWN;
	keep_warning(db, result);
}

bool
db_open(Db *db, const Settings *settings, bool replication)
{
	const char *names[PARAMS_FIXED + 64];
	const char *values[PARAMS_FIXED + 64];
	Params params = {names, values, 0};
	char user_timeout[24];

	*db = (Db){.stage = STAGE_CONNECT, .host_order = db->host_order};
	if (settings->connection.count > 64)
	{
		failure_set(&db->failure, FAIL_CONFIG, "too many connection keywords");
		return false;
	}
	snprintf(user_timeout, sizeof(user_timeout), "%llu",
			 (unsigned long long) settings->connect_timeout);
	fill_params(&params, settings, &db->host_order, replication, user_timeout);
	db->conn = PQconnectStartParams(names, values, 1);
	if (db->conn == NULL)
	{
		failure_set(&db->failure, FAIL_INTERNAL, "out of memory");
		return false;
	}
	if (PQstatus(db->conn) == CONNECTION_BAD)
	{
		db_set_failure(db, NULL);
		return false;
	}
	/* Needed for the SQLSTATE in the text of a refused connection. */
	PQsetErrorVerbosity(db->conn, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(db->conn, on_notice, db);
	db->hosts = hosts_count(db->conn);
	db->state = DB_CONNECTING;
	db->connect_events = POLLOUT;
	return true;
}

void
db_rotate_hosts(Db *db)
{
	hosts_rotate(&db->host_order, db->conn);
}

void
db_close(Db *db)
{
	PQclear(db->result);
	db->result = NULL;
	PQfinish(db->conn);
	db->conn = NULL;
	db->state = DB_CLOSED;
}

int
db_fd(const Db *db)
{
	return db->state == DB_CLOSED ? -1 : PQsocket(db->conn);
}

short
db_events(const Db *db)
{
	if (db->state == DB_CONNECTING)
		return db->connect_events;
	return db->state == DB_BUSY && db->unsent ? POLLIN | POLLOUT : POLLIN;
}

static DbEvent
fail(Db *db, const PGresult *result)
{
	db_set_failure(db, result);
	return DB_FAILED;
}

static DbEvent
advance_connect(Db *db)
{
	switch (PQconnectPoll(db->conn))
	{
		case PGRES_POLLING_READING:
			db->connect_events = POLLIN;
			return DB_NOTHING;
		case PGRES_POLLING_WRITING:
			db->connect_events = POLLOUT;
			return DB_NOTHING;
		case PGRES_POLLING_OK:
			PQsetErrorVerbosity(db->conn, PQERRORS_DEFAULT);
			PQsetnonblocking(db->conn, 1);
			db->state = DB_IDLE;
			db->stage = STAGE_SETUP;
			return DB_CONNECTED;
		default:
			return fail(db, NULL);
	}
}

static bool
is_error(const PGresult *result)
{
	switch (PQresultStatus(result))
	{
		case PGRES_TUPLES_OK:
		case PGRES_COMMAND_OK:
		case PGRES_COPY_BOTH:
		case PGRES_COPY_OUT:
			return false;
		default:
			return true;
	}
}

static DbEvent
copies(Db *db, PGresult *result)
{
	PQclear(result);
	db->state = DB_ROWS;
	return DB_COPIES;
}

/*
 * Keep the last result; the command is over when there is no other.  What
 * stands before a COPY TO STDOUT is kept while it runs.
 */
static DbEvent
advance_command(Db *db)
{
	while (!PQisBusy(db->conn))
	{
		PGresult *result = PQgetResult(db->conn);
		bool copy = PQresultStatus(result) == PGRES_COPY_BOTH;
		bool over = result == NULL || copy;

		if (PQresultStatus(result) == PGRES_COPY_OUT)
			return copies(db, result);
		if (result != NULL && is_error(result))
		{
			db_set_failure(db, result);
			PQclear(result);
			return DB_FAILED;
		}
		if (result != NULL)
		{
			PQclear(db->result);
			db->result = result;
		}
		if (over)
		{
			db->state = copy ? DB_COPY : DB_IDLE;
			return DB_ANSWERED;
		}
	}
	return DB_NOTHING;
}

/* A long command may take several turns. */
static bool
flush(Db *db)
{
	int left = PQflush(db->conn);

	db->unsent = left > 0;
	return left >= 0;
}

DbEvent
db_advance(Db *db, short revents)
{
	if (revents == 0 || db->state == DB_CLOSED || db->state == DB_COPY ||
		db->state == DB_ROWS)
		return DB_NOTHING;
	if (db->state == DB_CONNECTING)
		return advance_connect(db);
	if (!flush(db) || !PQconsumeInput(db->conn))
		return fail(db, NULL);
	if (db->state == DB_BUSY)
		return advance_command(db);
	/* An idle session hears only of its own end. */
	PQisBusy(db->conn);
	return PQstatus(db->conn) == CONNECTION_BAD || db->shutdown ? fail(db, NULL)
																: DB_NOTHING;
}

bool
db_is_local(const Db *db)
{
	const char *address = PQhostaddr(db->conn);

	return address == NULL || address[0] == '\0';
}

bool
db_send(Db *db, FailureStage stage, const char *sql)
{
	PQclear(db->result);
	db->result = NULL;
	db->stage = stage;
	db->state = DB_BUSY;
	if (PQsendQuery(db->conn, sql) && flush(db))
		return true;
	db_set_failure(db, NULL);
	return false;
}

int
db_next_copy(Db *db, bool *readable, char **data)
{
	bool encrypted = PQsslInUse(db->conn) || PQgssEncInUse(db->conn);

	for (int reads = 1;; reads++)
	{
		int len = PQgetCopyData(db->conn, data, 1);

		if (len > 0)
			*readable |= encrypted && reads > 1;
		if (len != 0 || !*readable)
			return len;
		if (!PQconsumeInput(db->conn))
			return -2;
		*readable = encrypted && reads < ENCRYPTED_READS;
	}
}

DbEvent
db_end_copy(Db *db)
{
	db->state = DB_BUSY;
	return advance_command(db);
}

DbEvent
db_recover(Db *db)
{
	db->failure = (Failure){.class = FAIL_NONE};
	PQclear(db->result);
	db->result = NULL;
	return advance_command(db);
}

const char *
db_value(const Db *db, const char *column)
{
	int number = PQfnumber(db->result, column);

	if (number < 0 || PQntuples(db->result) < 1 ||
		PQgetisnull(db->result, 0, number))
		return NULL;
	return PQgetvalue(db->result, 0, number);
}

uint64_t
db_lsn(const Db *db, const char *column)
{
	const char *text = db_value(db, column);
	uint64_t lsn = 0;

	if (text != NULL)
		lsn_from_text(text, strlen(text), &lsn);
	return lsn;
}

uint64_t
db_number(const Db *db, const char *column)
{
	const char *text = db_value(db, column);

	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

bool
db_is_true(const Db *db, const char *column)
{
	const char *text = db_value(db, column);

	return text != NULL && text[0] == 't';
}
