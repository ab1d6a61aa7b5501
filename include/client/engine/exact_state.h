/*
 * exact_state.h
 *		All that is known of a backfill in mode exact.
 */
#ifndef ETF_EXACT_STATE_H
#define ETF_EXACT_STATE_H

#include "client/backfill/backfill_reader.h"
#include "client/backfill/backfill_state.h"
#include "client/backfill/chunks.h"
#include "client/backfill/history.h"
#include "client/backfill/published.h"
#include "client/backfill/request.h"
#include "client/backfill/snapshot_maker.h"
#include "client/backfill/unkept.h"
#include "common/backoff.h"

typedef enum ExactStage
{
	EXACT_NONE,
	EXACT_OPENING,	/* the desk: a connection that plans, and keeps the state */
	EXACT_LOADING,	/* the state */
	EXACT_PLANNING, /* which tables there are, and may they be read? */
	EXACT_CHECKING, /* conditions */
	EXACT_KEEPING,	/* the request, before anybody relies on it */
	EXACT_WAITING,	/* for the stream: to begin, or to have caught up */
	EXACT_COMPARING, /* with the server's history: what did a failover lose? */
	EXACT_MAKING,	 /* a snapshot, beside the slot */
	EXACT_HOLDING,	 /* the keeper imports it, and plans by it */
	EXACT_ARRIVING,	 /* the stream is delivered up to it */
	EXACT_READING,
	EXACT_DRAINING /* all is delivered, not all is handled */
} ExactStage;

/* A table of the state, as this process has it. */
typedef struct ExactTable
{
	Ranges given;	 /* delivered, or being read */
	uint32_t starts; /* of the table, as of all this */
	bool blocked;	 /* not to be read in this round */
	bool missed;	 /* something was missing, and the tables are listed anew */
	uint64_t rows;	 /* delivered, by all processes */
	uint64_t bytes;
	uint64_t here;	  /* rows, by this process */
	int64_t began_at; /* 0: it did not */
} ExactTable;

/* A connection that reads one range after the other. */
typedef struct ExactJob
{
	Reader reader;
	ReadFrame frame; /* that waits for credit; block NULL: none */
	bool busy;		 /* with "chunk" */
	Chunk chunk;
	Backoff backoff;
	int64_t retry_at;
	int64_t listen_at; /* before, what comes is left to gather */
} ExactJob;

typedef struct Reading Reading; /* see exact_reading.h */

typedef struct Exact
{
	ExactStage stage;
	BackfillRequest request;
	const Reading *reading;
	Published published; /* what is copied; see exact_reading.c */
	bool raw;			 /* a text that was read has no UTF-8 form */
	Settings settings;	 /* of the readers */
	char identifier[24]; /* of the cluster; empty: not known yet */
	uint64_t server;	 /* that the keeper is on; see Reader */
	bool first;			 /* nothing is streamed before it is planned */
	bool only;			 /* and nothing after it */
	bool loaded;		 /* the state is of an earlier round */
	bool planned;
	bool delayed;	   /* the consumer knows that it has to wait */
	bool unkept_told;  /* or that what is done cannot be kept */
	bool fresh;		   /* the round begins where the slot does */
	bool nothing_left; /* by what was kept */
	bool paused;
	bool stopping;	 /* once what is done is kept, all ends */
	int64_t stop_at; /* when it was asked for */
	bool cancelled;	 /* once what is done is kept, the backfill ends */
	Failure failure; /* why the round was given up, or never came about */

	BackfillState plan; /* what the desk found */
	uint32_t checked;	/* the table whose condition is looked at */
	BackfillState state;
	ExactTable *tables;
	uint32_t table_count;
	uint32_t next; /* none before it has anything left for this round */

	Reader desk;
	Backoff desk_backoff;
	int64_t desk_at; /* when to open it again */
	bool over;		 /* what was kept is to be removed */
	bool dirty;		 /* the state is to be kept */
	bool saving;	 /* the desk does it */
	Unkept keys;	 /* of moved rows: what they lead to is in it */
	int64_t saved_at;

	History history;

	SnapshotMaker maker;
	Backoff maker_backoff;
	int64_t make_at;

	Reader keeper; /* has the snapshot */
	int asked;	   /* questions of the plan, behind the first */
	char snapshot[SNAPSHOT_NAME_SIZE];
	uint64_t lsn;	 /* its place */
	int64_t held_at; /* since when */
	int64_t idle_ms; /* the slot may be idle no longer than twice this; or 0 */
	bool warned_kept;
	bool ending; /* no other range is begun in this round */
	uint64_t round;
	uint64_t round_chunk; /* the last chunk before it */
	uint32_t futile;	  /* rounds in a row in which nothing could be begun */
	uint64_t park_at; /* the stream is delivered up to there; 0: it goes on */
	bool arrived;	  /* it is */

	ExactJob jobs[BACKFILL_JOBS_MAX];
	Chunks chunks;
	uint64_t chunk;	 /* the number of the last one */
	int64_t told_at; /* the last progress */
} Exact;

/* As of incremental_unkept(). */
static inline uint64_t
exact_unkept(const Exact *exact)
{
	return unkept_min(unkept_first(&exact->keys), exact->request.early.first);
}

/* Connections to be polled: desk, maker, keeper, jobs. */
#define EXACT_POLLS (3 + BACKFILL_JOBS_MAX)

#endif
