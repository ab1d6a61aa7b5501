/*
 * kept.h
 *		Backfills that were asked for, of whoever reads the slot.
 *
 * With setting backfills the consumer is told of them once, when there is a
 * stream: only then do they belong to this process.
 */
#ifndef ETF_KEPT_H
#define ETF_KEPT_H

#include <poll.h>

#include "client/engine/state.h"

extern void kept_poll(const Engine *engine, struct pollfd *fd);
extern void kept_turn(Engine *engine, short revents);

#endif
