/*
 * timeline.h
 *		Where a timeline ended, from a server's history file.
 *
 * A promoted standby begins a new timeline.  What the old one held behind the
 * place where the new one begins is lost, and the server uses its positions
 * again for something else: they must not be compared with each other.
 */
#ifndef ETF_TIMELINE_H
#define ETF_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The position at which "timeline" was left, in the text of the history file
 * of a later one.  False: that one does not descend from it.
 */
extern bool timeline_end(const char *history, uint32_t timeline, uint64_t *end);

#endif
