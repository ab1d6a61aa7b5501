/*
 * host.h
 *		The client's memory and text for the encoders of the shared ring.
 */
#ifndef ETF_SOURCE_HOST_H
#define ETF_SOURCE_HOST_H

#include "common/term/write.h"

/* Texts are in UTF-8, as the session asks for them. */
extern const TermHost source_host;

/*
 * The server converts nothing, since it could not: what is not ASCII is told
 * as {unconverted, Bytes}.
 */
extern const TermHost source_raw_host;

/* As TermHost's: where there is no memory left, the program ends. */
extern void *source_scratch(void *memory, size_t size);

/* A copy of a text. */
extern char *source_copy(const char *text);

#endif
