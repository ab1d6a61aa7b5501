/*
 * assemble_change.h
 *		Rows, truncates and messages of pgoutput as events.
 *
 * Each reads a message behind its first byte.
 */
#ifndef ETF_ASSEMBLE_CHANGE_H
#define ETF_ASSEMBLE_CHANGE_H

#include "client/source/assembler.h"

extern Assembled assemble_change(Assembler *assembler, PgReader *reader);
extern Assembled assemble_truncate(Assembler *assembler, PgReader *reader);
extern Assembled assemble_message(Assembler *assembler, PgReader *reader);

#endif
