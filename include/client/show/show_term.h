/*
 * show_term.h
 *		What is being shown, and a term of it as text.
 *
 * For the files of this room, and for who sets what a Show is to do.
 */
#ifndef ETF_SHOW_TERM_H
#define ETF_SHOW_TERM_H

#include "client/base/strbuf.h"
#include "common/frame/read.h"
#include "common/show/text.h"

typedef struct Show
{
	TextStyle style;
	bool transactions;		 /* JSON: lines for begin and commit, too */
	bool envelope;			 /* JSON: as Debezium sends changes */
	const char *source_name; /* of the envelope's source; or NULL */
	const char *source_db;
	bool colors;
	const char *null; /* the null atom of the stream */

	/*
	 * JSON: called for a table whose deletes do not identify the row; or NULL
	 */
	void (*keyless)(void *arg, const char *schema, const char *table);
	void *keyless_arg;

	StrBuf *out; /* where text goes at the moment */
	TermText text;
	TextLevel *levels;
	struct ShowRelation *relations; /* in the order of their ids */
	size_t relation_count;

	/* Rows that were read: the place of their snapshot, and their relations. */
	uint64_t read_lsn;
	struct ShowRelation *read_relations;
	size_t read_count;
} Show;

/* The next term, in the style of "show", to where text goes at the moment. */
extern bool show_term(Show *show, TermReader *reader);

#endif
