/*
 * prepare.h
 *		Transactions that are sent when they are prepared.
 */
#ifndef ETF_PREPARE_H
#define ETF_PREPARE_H

#include "replication/output_plugin.h"

#include "plugin/session.h"

extern void etf_prepare_register(OutputPluginCallbacks *cb);

/* Heed the option: an ERROR where slot and option do not go together. */
extern void etf_prepare_startup(EtfSession *session, bool is_init);

#endif
