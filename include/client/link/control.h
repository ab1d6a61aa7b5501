/*
 * control.h
 *		A second, ordinary connection, for what the stream cannot tell.
 *
 * While nothing is read from the stream, this connection still hears that the
 * server shuts down, sees what the slot costs, and can tell whether a silent
 * walsender is alive.  It is a help: when it cannot be had, the stream goes
 * on without it.  It is made to the server that the stream was made to, since
 * another one may have a slot of the same name.
 */
#ifndef ETF_CONTROL_H
#define ETF_CONTROL_H

#include "client/base/strbuf.h"
#include "client/link/db.h"

typedef enum ControlEvent
{
	CONTROL_NOTHING,
	CONTROL_UNMATCHED, /* db.result: patterns that match no table */
	CONTROL_REPORT,	   /* control->slot is new */
	CONTROL_DONE,	   /* the errand is */
	CONTROL_SHUTDOWN,  /* the server ends its sessions, and lets nobody in */
	CONTROL_ELSEWHERE, /* the stream's server is not there any more */
	CONTROL_LOST	   /* see control->db.failure */
} ControlEvent;

/* What is asked for now. */
typedef enum ControlStep
{
	CONTROL_SESSION, /* is it the stream's server?  It is pinned, too */
	CONTROL_TABLES,	 /* once */
	CONTROL_SLOT
} ControlStep;

/* The slot as the server shows it. */
typedef struct SlotReport
{
	bool found;
	uint64_t server_lsn;
	uint64_t confirmed;
	uint64_t restart;
	uint64_t retained;	/* bytes of WAL kept for it */
	uint64_t safe_size; /* bytes that may still be written; 0: not limited */
	uint64_t xmin_age;	/* of catalog_xmin: what vacuum must leave */
	uint64_t decoded;	/* transactions: see slot_decoded() */
	int active_pid;
	char wal_status[16];
	char reason[32]; /* of an invalidation; or empty */
} SlotReport;

typedef struct Control
{
	Db db;
	const Settings *settings;
	bool wanted;
	uint64_t server; /* when that of the stream was started; 0: none yet */
	ControlStep step;
	bool tables_asked;
	bool doubted;	  /* a session was ended: does the server let us in? */
	int64_t due;	  /* when to connect, to ask, or to give up waiting */
	int64_t heard_at; /* last answer; 0: none on this connection */
	int64_t pace;	  /* between two looks; 0: the status interval */
	SlotReport slot;
	char *errand;	/* a statement to be run next; NULL: none */
	bool on_errand; /* its answer is waited for */
	int64_t errand_limit;
} Control;

extern void control_init(Control *control, const Settings *settings);
extern void control_close(Control *control);

/*
 * Be where this stream is, on a server that was started at "server" (see
 * Stream).  Nothing is connected before.
 */
extern void control_attach(Control *control, const PGconn *stream,
						   uint64_t server, int64_t now);

/* Connect or ask when that is due, and take what has come. */
extern ControlEvent control_turn(Control *control, int64_t now, short revents);

/*
 * Run a statement, which is the caller's no more, as soon as can be from "at"
 * on: its answer is CONTROL_DONE, and may take "limit" milliseconds.  It takes
 * the place of one before, whose answer is nobody's then.  Where the connection
 * is lost it is not run again.
 */
extern bool control_run(Control *control, StrBuf *sql, int64_t at,
						int64_t limit);

/* Is a statement waiting to be run, or for its answer? */
static inline bool
control_has_errand(const Control *control)
{
	return control->errand != NULL ||
		   (control->on_errand && control->db.state == DB_BUSY);
}

/* Ask now, not at the next interval. */
extern void control_hurry(Control *control, int64_t now);

/* Does it know a server to connect to? */
static inline bool
control_is_wanted(const Control *control)
{
	return control->wanted && control->server != 0;
}

/* Can it be asked? */
static inline bool
control_is_up(const Control *control)
{
	return control->db.state == DB_IDLE || control->db.state == DB_BUSY;
}

#endif
