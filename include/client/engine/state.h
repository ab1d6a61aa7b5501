/*
 * state.h
 *		All that the engine knows, and what its files have in common.
 *
 * For the files of the engine, each of which may use those before it: state,
 * report, claim and settle, attempt, status, streams, catalogs, flow, connect, standby and stop,
 * watch, engine.
 */
#ifndef ETF_STATE_H
#define ETF_STATE_H

#include <stdlib.h>

#include "client/backfill/incremental.h"
#include "client/base/consumer.h"
#include "client/engine/credit.h"
#include "client/engine/exact_state.h"
#include "client/engine/feedback.h"
#include "client/engine/gather.h"
#include "client/engine/shrink.h"
#include "client/link/control.h"
#include "client/link/stream.h"
#include "client/source/frame_order.h"
#include "client/source/replay.h"
#include "client/source/source.h"
#include "common/backoff.h"

typedef enum EnginePhase
{
	ENGINE_IDLE,	   /* not started */
	ENGINE_DOWN,	   /* waits to connect again */
	ENGINE_PARKED,	   /* disconnected after a stall, waits for credit */
	ENGINE_SNAPSHOT,   /* tables are read, or planned; see exact.c */
	ENGINE_STANDBY,	   /* another process reads the slot */
	ENGINE_ASKING,	   /* it is free: where does the consumer want to start? */
	ENGINE_CONNECTING, /* connection and set-up */
	ENGINE_STREAMING,
	ENGINE_CONFIRMING, /* clean stop: is the last position confirmed? */
	ENGINE_ENDING,	   /* clean stop: the end of the stream was requested */
	ENGINE_SETTLING,   /* the slot is left as it should be */
	ENGINE_DONE
} EnginePhase;

/* Counters since the start of the process. */
typedef struct Stats
{
	uint64_t frames;
	uint64_t transactions;
	uint64_t repeats;	 /* frames that were delivered before a reconnect */
	uint64_t keepalives; /* received */
	uint64_t statuses;	 /* sent */
	uint64_t reconnects;
	uint64_t stalls; /* that ended a connection */
	uint64_t rewinds;
	uint64_t streams;		  /* of transactions in progress */
	uint64_t streams_aborted; /* of these, by the server */
} Stats;

/* The one frame that was read and not handed over: all read-ahead there is. */
typedef struct HeldFrame
{
	char *data; /* NULL: none */
	size_t offset;
	size_t end;
	FrameHead head;
} HeldFrame;

static inline void
held_drop(HeldFrame *held)
{
	free(held->data);
	held->data = NULL;
}

/* What was asked for of an earlier reader of the slot; see kept.c. */
typedef struct Kept
{
	Reader desk;
	Backoff backoff;
	int64_t desk_at;
	bool told;
	size_t found;
} Kept;

/*
 * Backfills of mode incremental at a time, beside those that are kept: one that
 * was refused would go on later without what has moved meanwhile.
 */
#define INCREMENTALS_ASKED_MAX 4
#define INCREMENTALS_MAX 16
#define INCREMENTALS_POLLS (INCREMENTALS_MAX * INC_POLLS)

typedef struct Engine
{
	const Settings *settings;
	Consumer *consumer;
	Stream stream;
	Source source;
	Control control;
	Feedback feedback;
	Credit credit;
	Backoff backoff;
	Shrink shrink;
	Gather gather;
	Order order;
	Stats stats;
	HeldFrame held;
	Spool spool;
	Replay replay; /* of a stream in "spool" */
	Kept kept;
	Exact exact;
	Incremental incrementals[INCREMENTALS_MAX];
	size_t incrementals_used; /* none behind so many runs */
	EnginePhase phase;
	Failure failure; /* why it is done; class FAIL_NONE: a clean stop */

	int64_t now;
	int64_t wake_at;		 /* when the next turn is due at the latest */
	int64_t phase_since;	 /* start of the phase */
	int64_t retry_at;		 /* end of ENGINE_DOWN */
	int64_t stopping_since;	 /* of the clean stop */
	int64_t status_at;		 /* last status update */
	int64_t stats_at;		 /* last statistics */
	int64_t heard_at;		 /* last message of the server */
	int64_t changed_at;		 /* the last frame was handed over; 0: none */
	int64_t stalled_at;		 /* since when "held" cannot leave; 0: it can */
	int64_t busy_since;		 /* since when the slot is somebody else's; 0 */
	int64_t standby_since;	 /* the same, as the consumer knows; 0 */
	int64_t stop_held_since; /* until what is read of tables is kept; 0: is not,
							  * negative: was */

	uint64_t told_lsn;		/* flush position of the last status update */
	uint64_t server_lsn;	/* the latest position of the server known */
	uint64_t passed_lsn;	/* all that commits before this was delivered */
	uint64_t await_lsn;		/* up to there a chunk needs that; 0: none does */
	uint64_t confirm_up_to; /* no further yet, whatever is acknowledged */
	uint64_t keys_taken;	/* commands that have told of moved rows */
	uint64_t keys_kept;		/* of these, as the consumer knows */
	uint64_t catch_up_to;	/* where the server was at first; 0: caught up */
	int64_t asks_since;		/* the source asks the catalogs; 0: it does not */
	bool asked;				/* the control connection has the question */
	bool asks_lost;			/* it had one, which was lost */

	bool position_is_new; /* the consumer does not know of "flushed" yet */
	bool at_end;		  /* endpos is reached */
	bool stop_is_due;	  /* what was asked for is done, or kept */
	bool server_stopping; /* the control connection heard so */
	bool control_missed;  /* the consumer knows that there is none */
	bool asked_notes;	  /* what publications leave out; see catalogs.c */
	bool notes_told;
	bool looked;		  /* at the slot, since then */
	bool plugin_told;	  /* and of which plugin the slot is */
	bool told_text;		  /* this, of a text session */
	bool creating_warned; /* and that a new slot may take long */

	uint32_t notes_lost; /* questions for them */
	size_t notes_about;	 /* so much of source_met() */

	uint64_t ping_lsn; /* of the last keepalive that wanted a reply */
	int64_t ping_since;
	uint32_t pings; /* with this position and nothing in between */

	char wal_status[16]; /* as last reported to the consumer */
} Engine;

extern void engine_set_phase(Engine *engine, EnginePhase phase);

/* Is it time?  If not, the loop will not sleep longer than until then. */
extern bool engine_due(Engine *engine, int64_t at);

/* Is the next frame to come from the server, and now? */
static inline bool
engine_listens(const Engine *engine)
{
	return engine->held.data == NULL && !replay_runs(&engine->replay) &&
		   source_listens(&engine->source);
}

/* What may be confirmed of what was acknowledged. */
static inline uint64_t
engine_confirmable(const Engine *engine)
{
	uint64_t flushed = engine->feedback.flushed;

	return flushed < engine->confirm_up_to ? flushed : engine->confirm_up_to;
}

/* Has the consumer yet to hear which backfills were asked for earlier? */
static inline bool
engine_finds_backfills(const Engine *engine)
{
	return engine->settings->backfills && !engine->kept.told;
}

/* Leave the server; what is held or kept is dropped, and will be repeated. */
extern void engine_disconnect(Engine *engine);

#endif
