/*
 * show.h
 *		Frames as text for people.
 *
 * Erlang and Elixir styles show a frame as the one term it is, on one line.
 * JSON has a line for each change, with the names that relation events gave:
 * {"op": "insert", "schema": ..., "table": ..., "record": {...}, ...}.
 */
#ifndef ETF_SHOW_H
#define ETF_SHOW_H

#include "client/strbuf.h"
#include "common/frame.h"
#include "common/term_text.h"

/* Deeper terms are an error; jsonb itself allows some thousand levels. */
#define SHOW_DEPTH 8192

/* Names are kept as JSON prints them, with quotes. */
typedef struct ShowColumn
{
	char *name;
	bool key;
} ShowColumn;

typedef struct ShowRelation
{
	uint64_t id;
	char *schema;
	char *table;
	ShowColumn *columns;
	uint32_t column_count;
} ShowRelation;

typedef struct Show
{
	TextStyle style;
	bool transactions; /* JSON: lines for begin and commit, too */
	bool colors;
	const char *null; /* the null atom of the stream */

	/* JSON: a table is met whose deletes do not tell which row it was; or NULL */
	void (*keyless)(void *arg, const char *schema, const char *table);
	void *keyless_arg;

	StrBuf *out; /* where text goes at the moment */
	TermText text;
	TextLevel *levels;
	ShowRelation *relations; /* in the order of their ids */
	size_t relation_count;
} Show;

/* False: out of memory. */
extern bool show_init(Show *show, TextStyle style);
extern void show_free(Show *show);

/*
 * Append a frame to "out".  False leaves what is wrong in *error, a constant
 * text.
 */
extern bool show_frame(Show *show, const FrameHead *head, const char *frame,
					   size_t len, StrBuf *out, const char **error);

/* For show_json.c and show.c. */
extern bool show_term(Show *show, TermReader *reader);
extern bool show_json_frame(Show *show, const FrameHead *head,
							TermReader *reader);

/* show_relation.c: {relation, Rel, ...}, behind its tag */
extern bool show_read_relation(Show *show, TermReader *reader);
extern ShowRelation *show_find_relation(const Show *show, uint64_t id);
extern void show_free_relations(Show *show);

/* The next term as a JSON string, to be freed; NULL when that fails. */
extern char *show_read_name(Show *show, TermReader *reader);

#endif
