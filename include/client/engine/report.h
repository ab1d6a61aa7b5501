/*
 * report.h
 *		Reports to the consumer: the connection, the slot, statistics.
 */
#ifndef ETF_REPORT_H
#define ETF_REPORT_H

#include "client/engine/state.h"

extern void report_connected(Engine *engine);
extern void report_reconnecting(Engine *engine, const Failure *failure,
								uint64_t delay);
extern void report_disconnected(Engine *engine, const char *reason);
extern void report_standby(Engine *engine);
extern void report_free(Engine *engine, uint64_t confirmed);
extern void report_slot(Engine *engine);
extern void report_stats(Engine *engine);

#endif
