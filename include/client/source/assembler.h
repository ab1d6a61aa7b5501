/*
 * assembler.h
 *		What is known while frames are made of messages of pgoutput, and the
 *		frame that is being made.
 *
 * A frame is cut by the plugin's rule, so memory is that of a frame and of a
 * row.  EndLsn is 0 in all frames of a transaction but the last one.
 */
#ifndef ETF_ASSEMBLER_H
#define ETF_ASSEMBLER_H

#include "client/source/plans.h"
#include "client/source/spool.h"
#include "common/frame/write.h"

typedef enum Assembled
{
	ASSEMBLED_NOTHING,	/* the message is done with */
	ASSEMBLED_FRAME,	/* it is, and there is a frame to take */
	ASSEMBLED_POSITION, /* it is: what ends at "position" had no events */
	ASSEMBLED_CUT,		/* there is a frame to take; give the message again */
	ASSEMBLED_STREAM,	/* it is: what was kept of a stream is to follow */
	ASSEMBLED_QUESTION, /* answer "question", then give it again */
	ASSEMBLED_UNFIT,	/* only a text session can go on, see "unfit" */
	ASSEMBLED_FAILED	/* see "error" */
} Assembled;

/* Of a transaction in progress, see block.h. */
typedef struct Block
{
	bool open;	  /* messages are of it */
	FrameTx tx;	  /* "sent", "index": of what is kept */
	uint32_t xid; /* of the (sub)transaction that the frame is of */
} Block;

typedef struct Assembler
{
	EtfOptions options;
	Catalog catalog;
	Plans plans;
	PlanContext context;
	bool binary; /* the session is */

	FrameOut frame;
	FrameTx tx;
	bool in_tx;
	bool skips;		/* the transaction is not wanted */
	bool streaming; /* the server was asked for those in progress */
	Block block;
	Spool *spool; /* where they are kept */
	char *origin; /* of the transaction; NULL: none */
	uint64_t origin_lsn;
	uint64_t span; /* a reader has all that was told in it */

	PlanQuestion question;
	bool answered; /* for the message that is given again */
	uint64_t position;
	const Plan *unfit;
	Plan *unread;	   /* a value of it could not be, which was not told yet */
	const char *error; /* a constant text */
} Assembler;

extern void assembler_init(Assembler *assembler);
extern void assembler_free(Assembler *assembler);

/*
 * A new connection; "host" knows its texts.  The options were parsed into the
 * assembler's.
 */
extern void assembler_begin(Assembler *assembler, int server_version,
							bool binary, const TermHost *host);

/* What was begun will come again. */
extern void assembler_drop(Assembler *assembler);

/* A transaction, and its end: a frame, or only a position. */
extern void assembler_begin_tx(Assembler *assembler, const FrameTx *tx);
extern Assembled assembler_end_tx(Assembler *assembler, uint64_t end_lsn);

/* From microseconds since 2000-01-01 UTC. */
extern int64_t assembler_unix_time(int64_t time);

/* The answer to the question. */
extern void assembler_answer(Assembler *assembler, const PGresult *result);

/* The frame that is ready: a malloc()ed block, which is the caller's. */
extern char *assembler_take(Assembler *assembler, size_t *len);

/* For what makes the events: it failed, with a constant text. */
extern Assembled assembler_failed(Assembler *assembler, const char *error);
extern Assembled assembler_broken(Assembler *assembler);

/*
 * As in the plugin, a full frame is closed when there is another event: cut it,
 * and take the message again.
 */
extern bool assembler_is_full(const Assembler *assembler);
extern Assembled assembler_cut(Assembler *assembler);

/* Uncounted events, and then one event; see frame_event_end(). */
extern TermOut *assembler_event(Assembler *assembler);

/* Describe the table, unless the reader has been told the very same. */
extern void assembler_tell(Assembler *assembler, Plan *plan);

#endif
