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

#include "client/hosts.h"
#include "client/reason.h"
#include "client/settings.h"

typedef enum DbState
{
	DB_CLOSED,
	DB_CONNECTING,
	DB_IDLE,
	DB_BUSY, /* a command runs */
	DB_COPY	 /* START_REPLICATION was accepted */
} DbState;

typedef enum DbEvent
{
	DB_NOTHING,
	DB_CONNECTED,
	DB_ANSWERED, /* db->result is the answer to the last command */
	DB_FAILED
} DbEvent;

typedef struct Db
{
	PGconn *conn;
	PGresult *result; /* of the command that ran last */
	DbState state;
	FailureStage stage; /* what an error means now */
	short connect_events;
	bool shutdown;	/* the server said that it ends this session */
	uint32_t hosts; /* that libpq may try, one after another */
	Hosts turned;	/* kept from one connection to the next */
	Failure failure;
} Db;

extern bool db_open(Db *db, const Settings *settings, bool replication);
/* After a timeout: the next connection begins with another host. */
extern void db_turn_hosts(Db *db);
extern void db_close(Db *db);

/* -1 when there is nothing to poll. */
extern int db_fd(const Db *db);
extern short db_events(const Db *db);
extern DbEvent db_advance(Db *db, short revents);

/* Send a command; its answer comes with DB_ANSWERED. */
extern bool db_send(Db *db, FailureStage stage, const char *sql);

/* Record what a result or, without one, the connection says; db_failure.c. */
extern void db_set_failure(Db *db, const PGresult *result);

/* Column of the first row; NULL for SQL's NULL and when there is no row. */
extern const char *db_value(const Db *db, const char *column);

/* The same as a position, a number, a boolean; 0 or false for NULL. */
extern uint64_t db_lsn(const Db *db, const char *column);
extern uint64_t db_number(const Db *db, const char *column);
extern bool db_is_true(const Db *db, const char *column);

#endif
