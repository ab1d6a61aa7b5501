/*
 * clean.h
 *		Text from a server, made fit for a terminal and a log.
 */
#ifndef ETF_CLEAN_H
#define ETF_CLEAN_H

/*
 * What would act on a terminal, and bytes that are not UTF-8, become question
 * marks, in place.  Line breaks and tabs stay.
 */
extern void clean_text(char *text);

#endif
