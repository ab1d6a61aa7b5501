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

#include "client/show/show_term.h"

/* Deeper terms are an error; jsonb itself allows some thousand levels. */
#define SHOW_DEPTH 8192

/* False: out of memory. */
extern bool show_init(Show *show, TextStyle style);
extern void show_free(Show *show);

/*
 * Append a frame to "out".  False leaves what is wrong in *error, a constant
 * text.
 */
extern bool show_frame(Show *show, const FrameHead *head, const char *frame,
					   size_t len, StrBuf *out, const char **error);

#endif
