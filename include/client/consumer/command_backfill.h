/*
 * command_backfill.h
 *		Commands about what is read of tables.
 *
 * Each reads what follows its name.
 */
#ifndef ETF_COMMAND_BACKFILL_H
#define ETF_COMMAND_BACKFILL_H

#include "client/backfill/request.h"
#include "client/consumer/decoder.h"

typedef struct BackfillCommand
{
	char id[BACKFILL_ID_MAX + 1];
	BackfillRequest request; /* the caller's to free */
	bool refused;			 /* it makes no sense: see the decoder's error */
	uint64_t chunk;			 /* backfill_done, backfill_retry */
	char reason[BACKFILL_ID_MAX + 1]; /* backfill_retry */
	uint64_t rel;					  /* backfill_keys */
	const uint8_t *keys;			  /* of it, within the packet: a term */
	size_t keys_len;
} BackfillCommand;

/* Id */
extern bool command_read_id(Decoder *decoder, BackfillCommand *command);

/* Id, Map; what is wrong in Map is no failure of the stream. */
extern bool command_read_backfill(Decoder *decoder, BackfillCommand *command);

/* Id, Chunk */
extern bool command_read_done(Decoder *decoder, BackfillCommand *command);

/* Id, Chunk, Reason */
extern bool command_read_retry(Decoder *decoder, BackfillCommand *command);

/* Id, Rel, Keys */
extern bool command_read_keys(Decoder *decoder, BackfillCommand *command);

#endif
