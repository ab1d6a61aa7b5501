/*
 * command.h
 *		Commands of the BEAM, decoded.
 *
 * docs/port.md lists them.  The bytes come from inbox.c, engine.c obeys.
 */
#ifndef ETF_COMMAND_H
#define ETF_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/base/settings.h"
#include "client/consumer/command_backfill.h"

typedef enum CommandKind
{
	COMMAND_NONE, /* not understood */
	COMMAND_START,
	COMMAND_CREDIT,
	COMMAND_FLUSHED,
	COMMAND_GO,
	COMMAND_STOP,
	COMMAND_STATS,
	COMMAND_BACKFILL, /* this and those that follow */
	COMMAND_BACKFILL_DONE,
	COMMAND_BACKFILL_KEYS,
	COMMAND_BACKFILL_RETRY,
	COMMAND_BACKFILL_PAUSE,
	COMMAND_BACKFILL_RESUME,
	COMMAND_BACKFILL_STOP
} CommandKind;

typedef struct Command
{
	CommandKind kind;
	uint64_t lsn;	 /* flushed, go */
	uint64_t seen;	 /* go: the slot's position that it answers */
	uint64_t events; /* credit: totals */
	uint64_t bytes;

	BackfillCommand backfill; /* of those about what is read of tables */
} Command;

/*
 * Decode one packet.  {start, Map} also fills "settings", which must be
 * initialized; NULL where they came before.  False leaves a message in "error".
 */
extern bool command_decode(const char *packet, size_t len, Command *command,
						   Settings *settings, char *error, size_t size);

#endif
