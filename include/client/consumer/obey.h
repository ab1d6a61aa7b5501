/*
 * obey.h
 *		Commands of the BEAM, obeyed.
 */
#ifndef ETF_OBEY_H
#define ETF_OBEY_H

#include "client/engine/engine.h"

/* The settings come first, and once: {start, Map} fills them. */
extern void obey_packet(Engine *engine, Settings *settings, const char *packet,
						size_t len);

/* The BEAM has said something that it must not say. */
extern void obey_refuse(Engine *engine, FailureClass class, const char *what);

#endif
