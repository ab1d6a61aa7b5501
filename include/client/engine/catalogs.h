/*
 * catalogs.h
 *		Questions of the source to the catalogs, over the control connection.
 *
 * Nothing is read from the stream until the answer is there.  This is no stall
 * of the consumer.
 */
#ifndef ETF_CATALOGS_H
#define ETF_CATALOGS_H

#include "client/engine/state.h"

/*
 * Once a turn: ask, and give up where no answer comes.  What will not come is
 * asked for as well, and told once.
 */
extern void catalogs_turn(Engine *engine);

/* Was it the answer to a question, and not to something else? */
extern bool catalogs_answered(Engine *engine);

#endif
