/*
 * block.h
 *		Transactions of pgoutput in progress: messages, as they are.
 *
 * Between the start and the end of a block all messages are of one transaction.
 * They are kept as binaries, the events of "stream" frames, with what an
 * ordinary transaction does not have left out; retell.h gives them to the
 * assembler once more, at the commit.  What they mean is known no sooner: types
 * and tables that the transaction made are in the catalogs then, and the
 * description of a table that was sent within a savepoint goes with it.
 */
#ifndef ETF_BLOCK_H
#define ETF_BLOCK_H

#include "client/source/assembler.h"

/* The messages 'S', 'E', 'A' and 'c', behind their first byte. */
extern Assembled block_start(Assembler *assembler, PgReader *reader);
extern Assembled block_end(Assembler *assembler, PgReader *reader);
extern Assembled block_abort(Assembler *assembler, PgReader *reader);
extern Assembled block_commit(Assembler *assembler, PgReader *reader);

/* Any other one, in a block. */
extern Assembled block_keep(Assembler *assembler, char kind, PgReader *reader);

#endif
