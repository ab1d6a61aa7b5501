/*
 * exact_reading.h
 *		The two ways to read tables: what is asked, and what becomes of it.
 *
 * By the functions of our extension, which write frames; or by COPY, where the
 * slot is one of pgoutput: then the server needs nothing of ours.
 */
#ifndef ETF_EXACT_READING_H
#define ETF_EXACT_READING_H

#include <ei.h>

#include "client/engine/state.h"

struct Reading
{
	/* Once there is a connection to plan on.  False: it cannot be. */
	bool (*begin)(Engine *engine, const Reader *reader, Failure *failure);

	/* The tables, for plan_take(); with "snapshot" as of it. */
	void (*put_plan)(Engine *engine, const Reader *reader, const char *snapshot,
					 StrBuf *sql);

	/* What else is to be known of them, one question after the other; or not. */
	bool (*put_question)(Engine *engine, int number, StrBuf *sql);
	bool (*take_answer)(Engine *engine, int number, const PGresult *result,
						Failure *failure);

	/* A statement that fails if the condition cannot be one of this table. */
	void (*put_check)(Engine *engine, const BackfillTable *table,
					  const char *where, StrBuf *sql);

	/* The statement that reads a range, for this connection to be run next. */
	void (*put_range)(Engine *engine, Reader *reader,
					  const BackfillTable *table, BlockRange range,
					  const ei_x_buff *tag, StrBuf *sql);
};

/*
 * How it is read, as far as the plugin is known, and where it is kept what is
 * done; by the connection that plans first.  False: it cannot be.
 */
extern bool reading_begin(Engine *engine, Failure *failure);

/* The plugin of the slot is known by now. */
extern void reading_choose(Engine *engine);

/* What its connections are to be good for. */
extern ReaderUse reading_use(const Engine *engine);

/* For plan_take(). */
extern const Published *reading_published(const Exact *exact);

/*
 * Is it known what was read for a slot that was there?  Else that would be read
 * once more, each time.
 */
extern bool reading_knows_slot(const Engine *engine, Failure *failure);

/* A range of a table has been read: is there a value that could not be? */
extern void reading_tell(Engine *engine, uint32_t oid);

/*
 * A text has no UTF-8 form: this round ends, and the next one has texts as they
 * are.  False: that is not why it failed.
 */
extern bool reading_needs_raw(Engine *engine, const Failure *failure);

/* Tables that are asked for and not there; false: none. */
extern bool reading_lacks(const Engine *engine, StrBuf *lacking);

#endif
