/*
 * backfill_reader.h
 *		A connection that reads rows: statements in, frames out.
 *
 * An ordinary session, in the one poll loop.  Nothing is read from its socket
 * while its owner wants nothing, so at most a frame and what one read(2) took
 * wait here.
 *
 *		reader_open(&reader, ..);
 *		each turn, until READER_NOTHING:
 *			switch (reader_turn(&reader, now, revents, listen))
 *				READER_READY: reader_run(&reader, &sql);
 *				READER_FRAME: take reader.frame, which is malloc()ed
 *
 * A statement that fails is rolled back by itself: after READER_FAILED the
 * reader becomes READER_READY again, unless the trouble is TROUBLE_LOST.  Then
 * it is closed, and reader_open() may be called again.
 */
#ifndef ETF_BACKFILL_READER_H
#define ETF_BACKFILL_READER_H

#include "client/backfill/texts.h"
#include "client/backfill/trouble.h"
#include "client/link/db.h"
#include "client/source/copy_rows.h"
#include "common/frame/read.h"

typedef enum ReaderEvent
{
	READER_NOTHING,
	READER_READY, /* for statements */
	READER_COPY,  /* frames follow; db.result is of the statement before */
	READER_FRAME,
	READER_DONE,  /* db.result is of the last statement with rows */
	READER_FAILED /* trouble, and db.failure */
} ReaderEvent;

/* What it is to be good for. */
typedef enum ReaderUse
{
	READER_USE_EXTENSION, /* it must be there */
	READER_USE_COPY,	  /* rows as the server has them, texts in UTF-8 ... */
	READER_USE_RAW		  /* ... or as the server has those, too */
} ReaderUse;

typedef enum ReaderState
{
	READER_CLOSED,
	READER_DOOMED, /* the next turn says so */
	READER_OPENING,
	READER_PINNING, /* the session's settings, and who is there */
	READER_IDLE,
	READER_RUNNING,
	READER_COPYING,
	READER_FAILING, /* the owner knows; the rest of it is still to come */
	READER_DRAINING,
	READER_ROLLING_BACK,
	READER_BROKEN
} ReaderState;

/* One frame; bytes offset..end of a malloc()ed block. */
typedef struct ReadFrame
{
	char *block;
	size_t offset;
	size_t end;
	FrameHead head;
	ReadEnd last; /* of a FRAME_READ_END */
} ReadFrame;

typedef struct Reader
{
	Db db;
	ReaderUse use;
	ReaderState state;
	ReaderTrouble trouble;
	bool readable;		 /* the socket, as far as is known */
	bool copy_begun;	 /* COPY's header has come */
	int64_t give_up_at;	 /* while there is no session yet */
	uint64_t server;	 /* when it was started; 0: any will do */
	char identifier[24]; /* of the cluster; empty: any */
	char *schema; /* of the extension, as SQL; once it was found; or NULL */
	bool ascii;	  /* the database has no encoding */
	uint32_t block_size;  /* of the server */
	bool in_recovery;	  /* it is a standby */
	int64_t slot_idle_ms; /* after which it gives up a slot; 0: never */
	ReadFrame frame;	  /* READER_FRAME: the owner's */
	CopyRows rows;		  /* of a COPY without frames; see reader_copy() */
} Reader;

/*
 * Connect as the settings say, to this server and cluster alone ("hosts" wins
 * over the settings; NULL, 0 and an empty text: wherever they lead).  What
 * fails comes as an event.
 */
extern void reader_open(Reader *reader, ReaderUse use, const Settings *settings,
						const Hosts *hosts, uint64_t server,
						const char *identifier, int64_t now);
extern void reader_close(Reader *reader);

/* Why a connection of READER_USE_EXTENSION ends. */
extern void reader_lacks_extension(Failure *failure);

/* Take what has come.  Without "listen" nothing is read during a COPY. */
extern ReaderEvent reader_turn(Reader *reader, int64_t now, short revents,
							   bool listen);

/* What to poll reader_fd() for; 0: nothing. */
extern short reader_events(const Reader *reader, bool listen);

static inline int
reader_fd(const Reader *reader)
{
	return db_fd(&reader->db);
}

static inline bool
reader_is_idle(const Reader *reader)
{
	return reader->state == READER_IDLE;
}

/* For the reader itself: the first statement, and its answer; false: "failure". */
extern void reader_put_session(const Reader *reader, StrBuf *sql);
extern bool reader_take_session(Reader *reader);

/* Only when it is idle.  "sql" is freed.  What fails comes as an event. */
extern void reader_run(Reader *reader, StrBuf *sql);

/*
 * What is run next is of published_put_read(): its rows become frames here.
 */
extern void reader_copy(Reader *reader, const CopySource *source,
						const void *tag, size_t tag_len);

/* BEGIN, with a snapshot that is imported, or (NULL) one of its own. */
extern void reader_put_begin(const char *snapshot, StrBuf *sql);

/* What the statement of one chunk is made of; NULL or 0: not there. */
typedef struct ReadRequest
{
	const char *snapshot; /* to import; NULL: one of its own, and etf_horizon */
	const char *schema;	  /* of the table, and its name, to be locked; NULL: */
	const char *name;	  /* ... the guard has to do */
	uint32_t oid;
	uint32_t filenode;		  /* the guard; 0: none */
	uint32_t told_as;		  /* another one; 0: none */
	const Settings *settings; /* with the options of the plugin */
	const void *tag;		  /* a term, without a version byte */
	size_t tag_len;
	bool by_blocks;
	uint64_t from_block;
	uint64_t blocks; /* 0: up to the end */
	const Texts *after;
	const Texts *upto;
	const Texts *keys; /* so many, each one a list, all of one length */
	uint32_t key_count;
	uint64_t max_bytes;
	const char *filter;
} ReadRequest;

/*
 * A transaction with nothing but this: BEGIN, the lock before the snapshot,
 * etf_horizon() under it, the COPY, COMMIT.
 */
extern void reader_build(const Reader *reader, const ReadRequest *request,
						 StrBuf *sql);

/* The options of the plugin, as an array of "name=value". */
extern void reader_put_options(const Settings *settings, StrBuf *sql);

#endif
