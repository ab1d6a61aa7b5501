/*
 * packet.h
 *		What is sent to a BEAM: a length of four bytes, then a term.
 */
#ifndef ETF_PACKET_H
#define ETF_PACKET_H

#include "plugin/host.h"

/* The length in front of each packet. */
#define PACKET_HEAD 4

/* Encoders write for Elixir; plans of types are built with these, too. */
extern const Forms *packet_forms(void);

/* Begin one, in memory of the current context. */
extern void packet_begin(TermOut *out, StringInfo bytes);

/* All of it is in "bytes" then. */
extern void packet_end(TermOut *out);

/* Text of the server's encoding that ends with a zero byte. */
extern void packet_put_text(TermOut *out, const char *text);

#endif
