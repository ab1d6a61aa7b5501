/*
 * publication_notes.h
 *		What a stream of pgoutput will not have, or not as the plugin has it.
 */
#ifndef ETF_PUBLICATION_NOTES_H
#define ETF_PUBLICATION_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "client/base/settings.h"
#include "client/base/strbuf.h"

/* Of a stream. */
typedef struct NotesAbout
{
	const char *publications; /* as in publication_names */
	const char *tables;		  /* OIDs of those to look at, "1,2,"; NULL: all */
	const PairList *options;
	int server_version;
	bool text;		/* so are its values */
	uint32_t unfit; /* the type that this is because of; 0 */
} NotesAbout;

/* A sentence, with the number and the names to be put in. */
typedef struct PublicationNote
{
	const char *kind;
	const char *level;
	const char *text;
} PublicationNote;

/*
 * A query: a row for each kind of thing that there is, with how many tables or
 * columns it is about (count) and the names of the first of them (names).
 */
extern void publication_notes_build(const NotesAbout *about, StrBuf *sql);

/* Of a kind that this query told. */
extern const PublicationNote *publication_note(const char *kind);

#endif
