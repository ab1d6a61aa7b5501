/*
 * names.h
 *		Lists of names as SQL has them.
 *
 * Names are separated by commas, with white space around.  Within quotes a name
 * stands as it is, a quote being doubled; otherwise its ASCII letters become
 * small ones.  The server cuts a name that is too long for it.
 */
#ifndef ETF_OPTION_NAMES_H
#define ETF_OPTION_NAMES_H

#include <stdbool.h>

/*
 * Take the next name into "name", which has room for all of *text, or is NULL,
 * and move *text behind it and its comma; to NULL behind the last one.  False:
 * it is malformed.
 */
extern bool sql_names_next(const char **text, char *name);

/* Is this a list of one name or more? */
extern bool sql_names_sound(const char *text);

#endif
