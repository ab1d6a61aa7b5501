/*
 * db.h
 *		One libpq connection that never blocks: connect, ask, listen.
 *
 * Below stream.c (a replication connection) and control.c (an ordinary one).
 * The owner polls db_fd() for db_events() and calls db_advance().  After a
 * failure the reason stands in "failure" and the connection is only good for
 * db_close().
 */
#ifndef ETF_DB_H
#define ETF_DB_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/base/settings.h"
#include "client/link/hosts.h"
#include "client/link/reason.h"

typedef enum DbState
{
	DB_CLOSED,
	DB_CONNECTING,
	DB_IDLE,
	DB_BUSY, /* a command runs */
	DB_COPY, /* START_REPLICATION was accepted */
	DB_ROWS	 /* COPY TO STDOUT was */
} DbState;

typedef enum DbEvent
{
	DB_NOTHING,
	DB_CONNECTED,
	DB_ANSWERED, /* db->result is the answer to the last command */
	DB_COPIES,	 /* db->result is the one before COPY TO STDOUT */
	DB_FAILED
} DbEvent;

typedef struct Db
{
	PGconn *conn;
	PGresult *result; /* of the command that ran last */
	DbState state;
	FailureStage stage; /* what an error means now */
	short connect_events;
	bool unsent;	   /* some of the command is still to be written */
	bool shutdown;	   /* the server said that it ends this session */
	uint32_t hosts;	   /* that libpq may try, one after another */
	Hosts host_order;  /* kept from one connection to the next */
	char warning[512]; /* of the server while it streams; the owner clears it */
	Failure failure;
} Db;

extern bool db_open(Db *db, const Settings *settings, bool replication);
/* After a timeout: the next connection begins with another host. */
extern void db_rotate_hosts(Db *db);
extern void db_close(Db *db);

/* -1 when there is nothing to poll. */
extern int db_fd(const Db *db);
extern short db_events(const Db *db);
extern DbEvent db_advance(Db *db, short revents);

/* Is it connected by a Unix socket? */
extern bool db_is_local(const Db *db);

/* Send a command; its answer comes with DB_ANSWERED. */
extern bool db_send(Db *db, FailureStage stage, const char *sql);

/*
 * After a command that failed, and left the connection as it was: take the rest
 * of its answer.  It ends with DB_ANSWERED and no result.
 */
extern DbEvent db_recover(Db *db);

/*
 * The next message of a COPY: its length, and malloc()ed memory.  0: none has
 * come yet; -1: none will come; -2: the connection is lost.  Reads from
 * the socket, if that is "readable", only when libpq holds no whole message, so
 * libpq's buffer is bounded by the largest message.
 */
extern int db_next_copy(Db *db, bool *readable, char **data);

/* After the last one of a COPY TO STDOUT: what the server says of it. */
extern DbEvent db_end_copy(Db *db);

/* Record what a result or, without one, the connection says; db_failure.c. */
extern void db_set_failure(Db *db, const PGresult *result);

/* Column of the first row; NULL for SQL's NULL and when there is no row. */
extern const char *db_value(const Db *db, const char *column);

/* The same as a position, a number, a boolean; 0 or false for NULL. */
extern uint64_t db_lsn(const Db *db, const char *column);
extern uint64_t db_number(const Db *db, const char *column);
extern bool db_is_true(const Db *db, const char *column);

#endif
