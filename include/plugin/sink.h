/*
 * sink.h
 *		Where frames go: the server's ctx->out, message by message.
 */
#ifndef ETF_SINK_H
#define ETF_SINK_H

#include "plugin/session.h"

/* Start a message: from here on session->frame.out is to be written to. */
extern void etf_sink_begin(EtfSession *session);

/*
 * Send the frame as a message.  "last": nothing of its transaction follows, so
 * a reader of it may confirm the transaction.
 */
extern void etf_sink_send(EtfSession *session, bool last);

#endif
