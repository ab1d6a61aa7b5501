/*
 * stream_state.h
 *		All that is known of a stream, for the files that make one.
 */
#ifndef ETF_STREAM_STATE_H
#define ETF_STREAM_STATE_H

#include "client/link/copydata.h"
#include "client/link/db.h"
#include "client/link/slot.h"

typedef enum StreamEvent
{
	STREAM_NOTHING,
	STREAM_STARTED,	 /* set-up is done, messages follow */
	STREAM_CATALOGS, /* they are needed before stream_setup_go_on() */
	STREAM_EXPORTED, /* a slot was made, with a snapshot; ..._go_on() ends it */
	STREAM_FRAME,	 /* message->data is the caller's to free() */
	STREAM_KEEPALIVE, /* see message->copy */
	STREAM_TAKEN,	  /* a message that is nothing by itself; see source.h */
	STREAM_FAILED	  /* see stream->db.failure */
} StreamEvent;

typedef struct StreamMessage
{
	char *data;
	size_t len;
	CopyMessage copy;
} StreamMessage;

/* Tables of a publication that is made: how many, and the first of them. */
typedef struct ChosenTables
{
	uint64_t count;
	char names[400];
} ChosenTables;

/* What a stream of pgoutput is asked for, and what its set-up found. */
typedef struct Pgoutput
{
	bool text;		 /* values as text; before 14 there is nothing else */
	bool raw;		 /* nothing converted: not all texts have a UTF-8 form */
	bool messages;	 /* logical ones */
	bool local_only; /* nothing that was replicated to the server */

	char refusal[512]; /* why it is not our plugin; empty: it was not asked */
	bool ascii;		   /* the database has no encoding */
	bool missing;	   /* a publication is to be made */
	bool untold;	   /* it was, and this is not told yet */
	ChosenTables made[2]; /* with a replica identity, and without */
	bool inserts;		  /* there is a second one, for tables without */
} Pgoutput;

typedef struct Stream
{
	Db db;
	const Settings *settings;
	int step;		  /* of the set-up */
	bool keeps_whole; /* the server is not asked to stream any more */
	bool readable;	  /* poll() saw bytes that were not read yet */
	bool unflushed;	  /* a status update is still in libpq's buffer */

	/*
	 * Where the consumer is; 0 before the first connection when it has
	 * stored nothing.  "resumes" is true once this process has streamed.
	 */
	uint64_t position;
	bool resumes;
	int reader_pid; /* of the walsender that streamed last; 0 */

	/*
	 * "position" is the consumer's last word as long as the slot is not
	 * beyond this: it was asked for when the slot was there.
	 */
	uint64_t vouched;
	uint64_t decoded; /* from the slot, when it was seen in our hands last */

	char system_identifier[24]; /* empty: not known yet */

	/*
	 * The end of what the consumer was given, and the timeline that this is
	 * of; 0: not known.  A standby may be promoted while it streams, so what
	 * came from one is of no certain timeline.
	 */
	uint64_t reached;
	uint32_t reached_timeline;

	OutputPlugin plugin; /* of the slot; or PLUGIN_AUTO: not known yet */
	Pgoutput pgoutput;

	/* What the set-up found. */
	uint32_t timeline;
	bool in_recovery; /* it is a standby */
	int server_version;
	int backend_pid;
	uint64_t server;		 /* SESSION_SERVER: which one it is */
	uint64_t server_lsn;	 /* the server's position at connect */
	uint64_t sender_timeout; /* milliseconds; 0: none */
	uint64_t confirmed;		 /* the slot's position */
	uint64_t found_decoded;	 /* see slot_decoded() */
	int holder_pid;			 /* of who reads the slot instead of us; 0 */
	bool synced;			 /* a standby's copy: the server itself holds it */
	bool created;			 /* by this connection */
	bool made;				 /* by this process, which never read it */
	bool exports;			 /* one that is made is to export a snapshot: */
	char snapshot[SNAPSHOT_NAME_SIZE];
	uint64_t made_at;	   /* the place of that */
	bool turns_two_phase;  /* it was no two-phase slot so far */
	bool without_failover; /* asked for, but the slot there has it not */
} Stream;

/* Is it asked for transactions in progress? */
static inline bool
stream_streams(const Stream *stream)
{
	return stream->settings->streaming && !stream->keeps_whole;
}

#endif
