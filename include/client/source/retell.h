/*
 * retell.h
 *		The messages of a stream of pgoutput that has ended, one after another.
 *
 * block.h has kept them; source.c gives them to the assembler.
 */
#ifndef ETF_RETELL_H
#define ETF_RETELL_H

#include "client/source/spool.h"
#include "common/term/read.h"

typedef struct Retell
{
	SpoolStream *stream; /* NULL: none; it stays with its spool */
	uint64_t at;		 /* in the file, of the next record */
	char *record;
	TermReader messages; /* of the record */
	uint32_t left;		 /* of them */
} Retell;

static inline bool
retell_runs(const Retell *retell)
{
	return retell->stream != NULL;
}

extern void retell_begin(Retell *retell, SpoolStream *stream);

/*
 * The next message, which is valid until the next call; NULL: there was none
 * left.  False: the file cannot be read, see errno.
 */
extern bool retell_next(Retell *retell, const char **bytes, size_t *len);

extern void retell_stop(Retell *retell);

#endif
