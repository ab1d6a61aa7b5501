/*
 * engine.h
 *		The client proper: one stream, its failures, and its consumer.
 *
 * loop.c polls and calls engine_turn(); the consumer calls engine_credit(),
 * engine_flushed() and engine_stop().  Never blocks; has no clock but "now",
 * which the loop sets, in milliseconds of a clock that never goes back.
 *
 * engine.c has the phases, connect.c the way to a stream, standby.c the wait
 * for a slot, flow.c the way of a frame, watch.c the timers, stop.c the clean
 * end, report.c what is told to the consumer.
 */
#ifndef ETF_ENGINE_H
#define ETF_ENGINE_H

#include "client/backoff.h"
#include "client/consumer.h"
#include "client/control.h"
#include "client/credit.h"
#include "client/feedback.h"
#include "client/order.h"
#include "client/shrink.h"
#include "client/stream.h"

typedef enum EnginePhase
{
	ENGINE_IDLE,	   /* not started */
	ENGINE_DOWN,	   /* waits to connect again */
	ENGINE_PARKED,	   /* disconnected after a stall, waits for credit */
	ENGINE_STANDBY,	   /* another process reads the slot */
	ENGINE_ASKING,	   /* it is free: where does the consumer want to start? */
	ENGINE_CONNECTING, /* connection and set-up */
	ENGINE_STREAMING,
	ENGINE_CONFIRMING, /* clean stop: is the last position confirmed? */
	ENGINE_ENDING,	   /* clean stop: the stream is told to end */
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
} Stats;

/* The one frame that was read and not handed over: all read-ahead there is. */
typedef struct HeldFrame
{
	char *data; /* NULL: none */
	size_t offset;
	size_t end;
	FrameHead head;
} HeldFrame;

typedef struct Engine
{
	const Settings *settings;
	Consumer *consumer;
	Stream stream;
	Control control;
	Feedback feedback;
	Credit credit;
	Backoff backoff;
	Shrink shrink;
	Order order;
	Stats stats;
	HeldFrame held;
	EnginePhase phase;
	Failure failure; /* why it is done; class FAIL_NONE: a clean stop */

	int64_t now;
	int64_t wake_at;		/* when the next turn is due at the latest */
	int64_t phase_since;	/* start of the phase */
	int64_t retry_at;		/* end of ENGINE_DOWN */
	int64_t stopping_since; /* of the clean stop */
	int64_t status_at;		/* last status update */
	int64_t stats_at;		/* last statistics */
	int64_t heard_at;		/* last message of the server */
	int64_t stalled_at;		/* since when "held" cannot leave; 0: it can */
	int64_t busy_since;		/* since when the slot is somebody else's; 0 */
	int64_t standby_since;	/* the same, as the consumer knows; 0 */

	uint64_t told;		  /* flush position of the last status update */
	uint64_t server_lsn;  /* the latest position of the server known */
	uint64_t catch_up_to; /* where the server was at first; 0: caught up */
	bool announce;		  /* the consumer does not know of "flushed" yet */
	bool at_end;		  /* endpos is reached */
	bool server_stopping; /* the control connection heard so */
	bool control_missed;  /* the consumer knows that there is none */
	bool creating_told;	  /* and that a new slot may take long */

	uint64_t ping_lsn; /* of the last keepalive that wanted a reply */
	int64_t ping_since;
	uint32_t pings; /* with this position and nothing in between */

	char wal_status[16]; /* as last told to the consumer */
} Engine;

extern void engine_init(Engine *engine, Consumer *consumer);
extern void engine_free(Engine *engine);
extern void engine_start(Engine *engine, const Settings *settings);

/* What to poll for, what poll() said, and whether there is no need to. */
extern short engine_stream_events(const Engine *engine);
extern void engine_turn(Engine *engine, int64_t now, short stream_revents,
						short control_revents);
extern bool engine_can_go_on(const Engine *engine);

/* The consumer's wishes; credit in totals, see credit.h. */
extern void engine_credit(Engine *engine, uint64_t events, uint64_t bytes);
extern void engine_flushed(Engine *engine, uint64_t lsn);
extern void engine_stop(Engine *engine);

/* Start at "lsn" (0: where the slot is), as the answer to a slot at "seen". */
extern void engine_go(Engine *engine, uint64_t lsn, uint64_t seen);
extern void engine_fail(Engine *engine, const Failure *failure);

/* For the other files of the engine. */
extern void engine_set_phase(Engine *engine, EnginePhase phase);
extern void engine_failed(Engine *engine, const Failure *failure);
extern void engine_connect(Engine *engine);
extern void engine_disconnect(Engine *engine);
extern void engine_finish(Engine *engine);
extern bool engine_due(Engine *engine, int64_t at);
extern void engine_send_status(Engine *engine, bool reply_requested);

/* connect.c */
extern void connect_turn(Engine *engine, short revents);

/*
 * standby.c: is a failed attempt for it to go on with?  Has the control
 * connection been lost, by which it waits?
 */
extern void standby_init(Engine *engine);
extern bool standby_takes(Engine *engine, const Failure *failure);
extern void standby_control_lost(Engine *engine);
extern void standby_turn(Engine *engine, short revents);
extern void standby_turn_asking(Engine *engine, short revents);

/* flow.c */
extern bool flow_may_deliver(const Engine *engine);
/* Is a frame held that waits for the consumer's wish, not only for room? */
extern bool flow_is_unwanted(const Engine *engine);
extern void flow_turn(Engine *engine, bool readable);
extern void flow_drop_held(Engine *engine);

/* watch.c */
extern void watch_stream(Engine *engine);
extern void watch_control(Engine *engine, short revents);

/* stop.c */
extern void stop_turn_confirming(Engine *engine, short revents);
extern void stop_turn_ending(Engine *engine, short revents);
extern void stop_turn_settling(Engine *engine, short revents);

/* Is there something to settle first, over the control connection? */
extern bool stop_confirms(Engine *engine);
extern bool stop_drops(Engine *engine);
extern void stop_settled(Engine *engine);
extern void stop_unsettled(Engine *engine);

/* report.c */
extern void report_connected(Engine *engine);
extern void report_reconnecting(Engine *engine, const Failure *failure,
								uint64_t delay);
extern void report_disconnected(Engine *engine, const char *reason);
extern void report_standby(Engine *engine);
extern void report_free(Engine *engine, uint64_t confirmed);
extern void report_slot(Engine *engine);
extern void report_stats(Engine *engine);

#endif
