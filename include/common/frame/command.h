/*
 * command.h
 *		The command of a ddl event, #{tag, text, objects, user}, as it stands
 *		in a logical message: docs/protocol.md.
 *
 * Any role can write such a message, so nothing is believed.
 */
#ifndef ETF_FRAME_COMMAND_H
#define ETF_FRAME_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* The prefix of these messages. */
#define COMMAND_PREFIX "pg_etf_decoding.ddl"

/*
 * Is it one, and nothing else?  With the version byte in front.  Its atoms are
 * those of the protocol, and its size is as it says.
 */
extern bool command_is_sound(const void *bytes, size_t len);

#endif
