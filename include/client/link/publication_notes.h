/*
 * publication_notes.h
 *		What a stream of pgoutput will not have, as its publications are.
 */
#ifndef ETF_PUBLICATION_NOTES_H
#define ETF_PUBLICATION_NOTES_H

#include "client/base/settings.h"
#include "client/base/strbuf.h"

/*
 * A query about the publications of these names: a row for each kind of thing
 * that is missing, with how many tables it is about (count) and the names of the
 * first of them (names).  Kinds: identity, generated, unpublished.
 */
extern void publication_notes_build(const Settings *settings, const char *names,
									int server_version, StrBuf *sql);

/* A sentence about a kind, with the number and the names to be put in. */
extern const char *publication_note(const char *kind);

#endif
