/*
 * assemble.h
 *		Frames, made of messages of pgoutput: the bytes that the plugin would
 *		have written.
 */
#ifndef ETF_ASSEMBLE_H
#define ETF_ASSEMBLE_H

#include "client/source/assembler.h"

/* One message. */
extern Assembled assemble(Assembler *assembler, const char *bytes, size_t len);

#endif
