/*
 * text.h
 *		Show a term as text: as Erlang, as Elixir, or as JSON.
 *
 *		TextLevel levels[100];
 *		TermText text;
 *
 *		term_text_init(&text, TEXT_ERLANG, levels, 100, sink, arg);
 *		if (!term_text_print(&text, &reader))
 *			... reader.error, reader.error_offset
 *
 * The text is UTF-8 and goes to the sink piece by piece; a piece may end in
 * the middle of a character.  Nothing is allocated: the caller lends the
 * levels, one for each list, tuple or map that is open at a time, and may
 * leave the sink by longjmp.  A term that is nested deeper is an error.
 *
 * What Erlang and Elixir styles show reads back as the same term, identifiers
 * and funs apart.  Integers of more than 64 kB are shown in hexadecimal.
 *
 * JSON has fewer types, so two terms may look alike there:
 *		atoms            true, false, null (text.null), else a string
 *		tuples, lists    arrays; an improper tail is the last element
 *		binaries         strings, or {"base64": "..."} when not UTF-8
 *		bitstrings       strings of 0 and 1
 *		maps             objects, keys as strings; when a key is neither
 *		                 text nor number: an array of [key, value]
 *		structs          strings for dates, times and decimals, else objects
 *		                 without __struct__
 *		identifiers      strings, as Erlang shows them
 */
#ifndef ETF_TERM_TEXT_H
#define ETF_TERM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/term/read.h"

typedef void (*TextSink)(void *arg, const char *bytes, size_t len);

typedef enum TextStyle
{
	TEXT_ERLANG, /* as io:format("~0tp") under +pc unicode */
	TEXT_ELIXIR, /* as inspect/2 without limits, on one line */
	TEXT_JSON
} TextStyle;

/* An open list, tuple or map; for show/text.c and the styles only. */
typedef struct TextLevel
{
	TermKind kind;
	uint8_t form;	/* how it is shown; each style has its own */
	bool started;	/* something was printed inside */
	uint64_t index; /* children read */
	uint64_t count; /* children in all, the tail of a list included */
} TextLevel;

struct TextOps;

typedef struct TermText
{
	const char *null; /* the atom that JSON shows as null; "nil" */
	bool ascii;		  /* Erlang style: escape all but ASCII; false */

	/* Of show/text.c and the styles. */
	const struct TextOps *ops;
	TermReader *reader;
	TextLevel *levels;
	size_t capacity;
	size_t depth;
	TextSink sink;
	void *arg;
	size_t used;
	char buffer[256];
} TermText;

extern void term_text_init(TermText *text, TextStyle style, TextLevel *levels,
						   size_t capacity, TextSink sink, void *arg);

/* Print one term, without a line end; may be called again and again. */
extern bool term_text_print(TermText *text, TermReader *reader);

#endif
