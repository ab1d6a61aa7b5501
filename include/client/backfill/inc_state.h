/*
 * inc_state.h
 *		All that is known of a backfill in mode incremental.
 */
#ifndef ETF_INC_STATE_H
#define ETF_INC_STATE_H

#include "client/backfill/announce.h"
#include "client/backfill/backfill_reader.h"
#include "client/backfill/backfill_state.h"
#include "client/backfill/history.h"
#include "client/backfill/inc_pace.h"
#include "client/backfill/place.h"
#include "client/backfill/request.h"
#include "client/backfill/unkept.h"
#include "common/backoff.h"

/* Chunks that are not handled yet. */
#define WINDOWS 2

typedef enum WindowState
{
	WINDOW_FREE,
	WINDOW_AGAIN,	/* it has to be read, and was not told to be open */
	WINDOW_READING, /* open; its rows come */
	WINDOW_THERE,	/* all its rows were delivered */
	WINDOW_CLOSED,	/* the consumer handles it */
	WINDOW_DONE		/* it is handled, but not one before it */
} WindowState;

typedef struct Window
{
	WindowState state;
	uint64_t number;
	uint32_t table; /* its place in the state */
	uint32_t moved; /* so many of the table's moved keys; 0: a range */
	Texts after;	/* by keys: where it begins, and ... */
	Texts last;		/* ... ends */
	uint64_t block; /* the same by blocks */
	uint64_t blocks;
	bool more;		  /* there is something behind it */
	uint64_t horizon; /* all that its snapshot sees commits before this */
	uint64_t rows;
	uint64_t bytes;
	int64_t began_at;
} Window;

/* A table of the state, as this process has it. */
typedef struct IncTable
{
	bool exhausted; /* all of its ranges are on their way, or done */
	bool missed;	/* something was missing, and the catalogs were read anew */
	Texts after;	/* by keys: where the next chunk begins; empty: the first */
	uint64_t block; /* by blocks */
	uint64_t rows;	/* by this process */
	int64_t began_at;
	int64_t retry_at;
	Backoff backoff;
} IncTable;

typedef enum IncStage
{
	INC_NONE,
	INC_OPENING,  /* the desk, once there is a stream */
	INC_LOADING,  /* the state */
	INC_HISTORY,  /* of timelines: what of the state was lost? */
	INC_PLANNING, /* which tables there are, and may they be read? */
	INC_CHECKING, /* their conditions */
	INC_KEEPING,  /* the request, before anybody relies on it */
	INC_RUNNING,
	INC_REPLANNING, /* a table is not what it was */
	INC_ENDING		/* what is done is kept, then it is over */
} IncStage;

/* What the reader does. */
typedef enum IncErrand
{
	ERRAND_NONE,
	ERRAND_BOUND,  /* the last key of a table */
	ERRAND_REPLAY, /* has the standby what was delivered? */
	ERRAND_CHUNK
} IncErrand;

/* Nothing is read before what ran when the tables were looked at has ended. */
typedef struct Settling
{
	bool waits;
	bool asking;	 /* the desk */
	uint64_t before; /* for transactions below this one; 0: not known yet */
	int64_t since;
	int64_t ask_at;
} Settling;

typedef struct Incremental
{
	IncStage stage;
	Consumer *consumer;
	const Settings *settings; /* of the stream */
	Settings reading;		  /* of the reader: perhaps another server */
	BackfillRequest request;
	const char *refusal; /* why it makes no sense; NULL: it does */
	BackfillState state;
	uint32_t checked; /* the table whose condition is looked at */
	Settling settling;
	IncTable *tables; /* of each of the state's */
	uint32_t table_room;
	bool paused;
	bool hurries;	  /* what is done is to be kept at once */
	bool loaded;	  /* the state is of an earlier time */
	bool stopping;	  /* by the consumer: "stopped" is the end */
	Failure failure;  /* why it ends, once that is kept; or class FAIL_NONE */
	bool started;	  /* the consumer knows of it */
	bool delayed;	  /* and that it has to wait */
	bool unkept_told; /* or that what is done cannot be kept */
	bool handed_over; /* it was exact before: new tables are in the stream */

	Reader desk;
	Backoff desk_backoff;
	int64_t desk_at; /* when to open it again */
	History history;
	bool dirty; /* the state is to be kept */
	bool saving;
	Unkept keys; /* of moved rows, that are in it */
	int64_t saved_at;

	Reader reader;
	Backoff reader_backoff;
	int64_t reader_at; /* not before then is it asked for anything */
	IncErrand errand;
	uint32_t errand_table;
	bool discards;	   /* what comes belongs to no window any more */
	bool held_up;	   /* the consumer, or the stream, came in between */
	bool waits;		   /* ... at the end of the last turn */
	uint64_t replayed; /* what the standby must have before the next chunk */
	Pace pace;

	Window windows[WINDOWS]; /* oldest first */
	uint32_t next;			 /* all tables before it are exhausted */
	int64_t told_at;		 /* the last progress */
	int64_t wake_at;		 /* when the next turn is due at the latest */
} Incremental;

/* It would read nothing now, so that another one may. */
static inline bool
incremental_rests(const Incremental *inc)
{
	return inc->paused || inc->settling.waits;
}

/* Desk, history and reader. */
#define INC_POLLS 3

#endif
