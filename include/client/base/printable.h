/*
 * printable.h
 *		Text from a server, made fit for a terminal and a log.
 */
#ifndef ETF_PRINTABLE_H
#define ETF_PRINTABLE_H

#include <stddef.h>

/*
 * What would act on a terminal, and bytes that are not UTF-8, become question
 * marks, in place.  Line breaks and tabs stay.
 */
extern void make_printable(char *text);

/* A copy of it; where that does not fit, "..." is at its end. */
extern void copy_printable(char *to, size_t size, const char *text);

#endif
