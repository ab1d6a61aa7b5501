/*
 * source.h
 *		What a stream brings, as frames.
 *
 * Those of our plugin are passed on as they are.  Of messages of pgoutput they
 * are made here; the engine sees no difference, but that now and then the
 * catalogs must be asked before anything else is read.
 */
#ifndef ETF_SOURCE_H
#define ETF_SOURCE_H

#include "client/base/strbuf.h"
#include "client/link/stream.h"
#include "client/source/assembler.h"
#include "client/source/retell.h"

typedef struct Source
{
	Stream *stream;
	Assembler assembler;
	StreamMessage message; /* of the server; data NULL: none */
	Retell retell;		   /* of a stream that has ended */
	const char *bytes;	   /* what is not done with, of either; or NULL */
	size_t len;
	bool asks;		 /* nothing is read before the catalogs answer */
	bool asks_all;	 /* for all that the publications have */
	bool needs_text; /* binary was tried */
	bool unreadable; /* what was kept cannot be read */
} Source;

/* "spool" is where the caller keeps frames of transactions in progress. */
extern void source_init(Source *source, Stream *stream, Spool *spool);
extern void source_free(Source *source);

/* A stream is set up but for what it is to ask for: ask the catalogs first. */
extern void source_prepare(Source *source);

/* They have answered.  False: it cannot be read, see stream->db.failure. */
extern bool source_begin(Source *source);

/*
 * The options of the plugin, which are the client's own here.  False: one is
 * unknown, or cannot be had.
 */
extern bool source_read_options(const Settings *settings, int server_version,
								EtfOptions *options, Failure *failure);

/*
 * Are values to be text?  They must be if *text says so; "unfit" is a type that
 * binary cannot have, or NULL.  False: they must not be.
 */
extern bool source_choose_format(int format, int server_version,
								 const WireType *unfit, bool *text,
								 Failure *failure);

/* The type because of which a session has values as text; NULL: none. */
extern const WireType *source_unfit(const Source *source);

/* The connection has ended: what was read in part will come again. */
extern void source_reset(Source *source);

/* Is the next message to come from the server? */
static inline bool
source_listens(const Source *source)
{
	return !source->asks && !retell_runs(&source->retell);
}

/* As stream_next(): the next message that matters to the engine. */
extern StreamEvent source_next(Source *source, StreamMessage *message);

/* Is there a table, since the last call, with a value that cannot be read? */
extern bool source_unread(Source *source, char *text, size_t size);

/* The OIDs of tables that are new to it, "1,2,"; so much of that was told. */
extern const StrBuf *source_met(const Source *source);
extern void source_told(Source *source, size_t len);

/* The question to the catalogs, while it asks; and the answer. */
extern void source_question(const Source *source, StrBuf *sql);
extern void source_answer(Source *source, const PGresult *result);

/*
 * Can another session get beyond what ended this one?  Returns what that
 * session is like, or NULL.
 */
extern const char *source_way_out(Source *source, const Failure *failure);

#endif
