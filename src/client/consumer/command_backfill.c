/*
 * command_backfill.c
 *		Commands about what is read of tables.
 *
 * Called by command.c.
 */
#include "client/consumer/command_backfill.h"

#include <stdlib.h>
#include <string.h>

bool
command_read_id(Decoder *decoder, BackfillCommand *command)
{
	Term id;

	if (!term_next(&decoder->reader, &id))
		return false;
	return (id.kind != TERM_NIL && id.kind != TERM_STRING &&
			decoder_term_text(&id, command->id, sizeof(command->id))) ||
		   decoder_fail(decoder, "the id of a backfill is not a short text",
						"");
}

/* A text for all tables, or #{Table => Text}. */
static bool
read_where(Decoder *decoder, BackfillRequest *request)
{
	TermReader ahead = decoder->reader;
	Term where;

	if (!term_next(&ahead, &where))
		return false;
	if (where.kind == TERM_MAP)
		return decoder_pairs(decoder, &request->where, "where");
	return decoder_text(decoder, "where") &&
		   (pairs_put(&request->where, "", decoder->value) ||
			decoder_fail(decoder, "out of memory", ""));
}

static bool
read_bytes(Decoder *decoder, const char *name, char **bytes, size_t *len)
{
	Term term;

	if (!term_next(&decoder->reader, &term))
		return false;
	if (term.kind != TERM_BINARY)
		return decoder_fail(decoder, "not a binary:", name);
	free(*bytes);
	*bytes = malloc(term.len + 1);
	if (*bytes == NULL)
		return decoder_fail(decoder, "out of memory", "");
	memcpy(*bytes, term.bytes, term.len);
	*len = term.len;
	return true;
}

static bool
read_pair(Decoder *decoder, BackfillRequest *request)
{
	char name[DECODER_NAME_SIZE];
	const Setting *setting;

	if (!decoder_name(decoder, name))
		return false;
	if (strcmp(name, "where") == 0)
		return read_where(decoder, request);
	if (strcmp(name, "state") == 0)
		return read_bytes(decoder, name, &request->state, &request->state_len);
	if (strcmp(name, "request") == 0)
		return read_bytes(decoder, name, &request->kept, &request->kept_len);
	if (strcmp(name, "connection") == 0)
		return decoder_pairs(decoder, &request->connection, name);
	setting = request_find(name);
	if (setting == NULL)
		return decoder_fail(decoder, "unknown key of a backfill", name);
	return decoder_setting(decoder, request, setting);
}

static bool
read_map(Decoder *decoder, BackfillRequest *request)
{
	Term map;

	if (!term_next(&decoder->reader, &map))
		return false;
	if (map.kind != TERM_MAP)
		return decoder_fail(decoder, "a backfill's settings are not a map", "");
	for (uint32_t i = 0; i < map.count; i++)
	{
		if (!read_pair(decoder, request))
			return false;
	}
	return request_check(request, decoder->error, decoder->size);
}

bool
command_read_backfill(Decoder *decoder, BackfillCommand *command)
{
	TermReader behind;

	if (!command_read_id(decoder, command))
		return false;
	if (!request_init(&command->request, command->id))
		return decoder_fail(decoder, "out of memory", "");
	behind = decoder->reader;
	if (!term_skip(&behind))
		return term_skip(&decoder->reader);
	command->refused = !read_map(decoder, &command->request);
	if (!command->refused)
		return true;
	if (decoder->reader.error != NULL)
		decoder_fail(decoder, decoder->reader.error, "");
	decoder->reader = behind;
	return true;
}

bool
command_read_done(Decoder *decoder, BackfillCommand *command)
{
	return command_read_id(decoder, command) &&
		   term_next_uint64(&decoder->reader, &command->chunk,
							"backfill_done: not a number of a chunk");
}

bool
command_read_retry(Decoder *decoder, BackfillCommand *command)
{
	Term reason;

	return command_read_id(decoder, command) &&
		   term_next_uint64(&decoder->reader, &command->chunk,
							"backfill_retry: not a number of a chunk") &&
		   term_next(&decoder->reader, &reason) &&
		   (decoder_term_text(&reason, command->reason,
							  sizeof(command->reason)) ||
			decoder_fail(decoder, "backfill_retry: not a reason", ""));
}

bool
command_read_keys(Decoder *decoder, BackfillCommand *command)
{
	if (!command_read_id(decoder, command) ||
		!term_next_uint64(&decoder->reader, &command->rel,
						  "backfill_keys: not a relation"))
		return false;
	command->keys = decoder->reader.pos;
	if (!term_skip(&decoder->reader))
		return false;
	command->keys_len = (size_t) (decoder->reader.pos - command->keys);
	return true;
}
