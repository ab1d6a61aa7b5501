/*
 * publication.h
 *		Steps of the set-up of a stream: its publications.
 *
 * Each is a query, or a command, and a look at its answer; see stream_setup.c.
 */
#ifndef ETF_PUBLICATION_H
#define ETF_PUBLICATION_H

#include "client/base/strbuf.h"
#include "client/link/stream_state.h"

/*
 * Are they there?  False: they are needed, or missing where none is to be made,
 * see db.failure.
 */
extern void publication_build_look(const Stream *stream, StrBuf *sql);
extern bool publication_check_look(Stream *stream);

/* Is it, or may it be, made with the slot that is to be made? */
extern bool publication_is_to_be(const Stream *stream);

/* Those of a slot of our plugin. */
extern void publication_build_named(const Stream *stream, StrBuf *sql);
extern bool publication_check_named(Stream *stream);

/* The tables that one which is to be made will have. */
extern void publication_build_tables(const Stream *stream, StrBuf *sql);
extern bool publication_check_tables(Stream *stream);

/* Make it, of that answer. */
extern void publication_build_make(const Stream *stream, StrBuf *sql);
extern bool publication_check_made(Stream *stream);

/* The name of it, or of the second one, for inserts. */
extern void publication_put_made(const Settings *settings, bool inserts,
								 StrBuf *name);

/* As they were named, with the one for inserts, if there is one. */
extern void publication_put_names(const Stream *stream, StrBuf *names);

/* The same before there is a stream: that one may be there. */
extern void publication_put_wanted(const Settings *settings, StrBuf *names);

/* The options of START_REPLICATION, in their parentheses. */
extern void publication_put_options(const Stream *stream, StrBuf *sql);

/*
 * Are they all there, but for the one that is to be made?  For others: a column
 * "missing", and its check.
 */
extern void publication_put_missing(const Settings *settings, StrBuf *sql);
extern bool publication_check_missing(const Settings *settings, Db *db,
									  bool has_slot);

/* What pgoutput cannot do, whatever the server has. */
extern bool publication_refuses(const Settings *settings, Failure *failure);

/*
 * Our plugin was not asked for by name, and cannot be had: is it pgoutput, then,
 * since there is something to read by it?  If there is nothing, the hint says
 * what there would have to be.
 */
extern bool publication_replaces(const Settings *settings, Failure *failure);

/* As they were named; NULL: none was. */
extern const char *publication_names(const Settings *settings);

/* The statement to run, for a hint. */
#define PUBLICATION_HINT                                                    \
	"Run CREATE PUBLICATION name FOR TABLE ... in this database, and name " \
	"it: publications: [\"name\"], or -o publication_names=name."

#endif
