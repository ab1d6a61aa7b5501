/*
 * command.c
 *		Commands of the BEAM, decoded.
 *
 * Between inbox.c and obey.c.  The packet is read with bounds checked; what
 * is wrong is named, because the other side is somebody's program.
 */
#include "client/consumer/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/consumer/decoder.h"

/* Where it is known already: of which server, which slot, and whose it is. */
static bool
says_where(const char *name)
{
	static const char *const names[] = {"conninfo", "connection", "slot",
										"create", "failover"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool
read_pair(Decoder *decoder, Settings *settings)
{
	char name[DECODER_NAME_SIZE];
	const Setting *setting;

	if (!decoder_name(decoder, name))
		return false;
	if (settings->placed && says_where(name))
		return decoder_fail(decoder, "only the command line sets", name);
	if (strcmp(name, "connection") == 0)
		return decoder_pairs(decoder, &settings->connection, name);
	if (strcmp(name, "options") == 0)
		return decoder_pairs(decoder, &settings->options, name);
	setting = settings_find(name, strlen(name));
	if (setting == NULL)
		return decoder_fail(decoder, "unknown setting", name);
	return decoder_setting(decoder, settings, setting);
}

static bool
read_start(Decoder *decoder, Settings *settings)
{
	Term map;

	if (!term_next(&decoder->reader, &map))
		return false;
	if (map.kind != TERM_MAP)
		return decoder_fail(decoder, "settings are not a map", "");
	for (uint32_t i = 0; i < map.count; i++)
	{
		if (!read_pair(decoder, settings))
			return false;
	}
	return settings_check(settings, decoder->error, decoder->size);
}

/* Of a client of another version, most likely: so it is named. */
static bool
unknown(Decoder *decoder, const Term *term, uint32_t arity)
{
	char name[DECODER_NAME_SIZE] = "";
	char text[DECODER_NAME_SIZE + 24];

	if (!decoder_term_text(term, name, sizeof(name)))
		return decoder_fail(decoder, "unknown command", "");
	if (arity == 0)
		snprintf(text, sizeof(text), "%s", name);
	else
		snprintf(text, sizeof(text), "{%s, ...} of %" PRIu32, name, arity);
	return decoder_fail(decoder, "unknown command", text);
}

static bool
read_flushed(Decoder *decoder, Command *command)
{
	return term_next_uint64(&decoder->reader, &command->lsn,
							"flushed: not a position");
}

static bool
read_go(Decoder *decoder, Command *command)
{
	return term_next_uint64(&decoder->reader, &command->lsn,
							"go: not a position") &&
		   term_next_uint64(&decoder->reader, &command->seen,
							"go: not a position of the slot");
}

static bool
read_credit(Decoder *decoder, Command *command)
{
	return term_next_uint64(&decoder->reader, &command->events,
							"credit: not a number of events") &&
		   term_next_uint64(&decoder->reader, &command->bytes,
							"credit: not a number of bytes");
}

static bool
read_backfill(Decoder *decoder, Command *command)
{
	return command_read_backfill(decoder, &command->backfill);
}

static bool
read_backfill_done(Decoder *decoder, Command *command)
{
	return command_read_done(decoder, &command->backfill);
}

static bool
read_backfill_keys(Decoder *decoder, Command *command)
{
	return command_read_keys(decoder, &command->backfill);
}

static bool
read_backfill_retry(Decoder *decoder, Command *command)
{
	return command_read_retry(decoder, &command->backfill);
}

static bool
read_backfill_id(Decoder *decoder, Command *command)
{
	return command_read_id(decoder, &command->backfill);
}

static const struct
{
	const char *name;
	uint32_t arity;
	CommandKind kind;
	bool (*read)(Decoder *decoder, Command *command);
} commands[] = {
	{"flushed", 2, COMMAND_FLUSHED, read_flushed},
	{"go", 3, COMMAND_GO, read_go},
	{"credit", 3, COMMAND_CREDIT, read_credit},
	{"backfill", 3, COMMAND_BACKFILL, read_backfill},
	{"backfill_done", 3, COMMAND_BACKFILL_DONE, read_backfill_done},
	{"backfill_keys", 4, COMMAND_BACKFILL_KEYS, read_backfill_keys},
	{"backfill_retry", 4, COMMAND_BACKFILL_RETRY, read_backfill_retry},
	{"backfill_pause", 2, COMMAND_BACKFILL_PAUSE, read_backfill_id},
	{"backfill_resume", 2, COMMAND_BACKFILL_RESUME, read_backfill_id},
	{"backfill_stop", 2, COMMAND_BACKFILL_STOP, read_backfill_id},
};

static bool
read_tuple(Decoder *decoder, uint32_t arity, Command *command,
		   Settings *settings)
{
	Term name;

	if (!term_next_atom(&decoder->reader, &name,
						"command does not start with an atom"))
		return false;
	if (arity == 2 && term_is_atom(&name, "start"))
	{
		command->kind = COMMAND_START;
		return settings != NULL
				   ? read_start(decoder, settings)
				   : decoder_fail(decoder, "{start, Map} was sent twice", "");
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
	{
		if (arity == commands[i].arity && term_is_atom(&name, commands[i].name))
		{
			command->kind = commands[i].kind;
			return commands[i].read(decoder, command);
		}
	}
	return unknown(decoder, &name, arity);
}

static bool
read_command(Decoder *decoder, Command *command, Settings *settings)
{
	Term term;

	if (!term_read_version(&decoder->reader) ||
		!term_next(&decoder->reader, &term))
		return false;
	if (term.kind == TERM_TUPLE)
		return read_tuple(decoder, term.count, command, settings);
	command->kind = term_is_atom(&term, "stop") ? COMMAND_STOP : COMMAND_STATS;
	if (!term_is_atom(&term, "stop") && !term_is_atom(&term, "stats"))
		return unknown(decoder, &term, 0);
	return true;
}

bool
command_decode(const char *packet, size_t len, Command *command,
			   Settings *settings, char *error, size_t size)
{
	Decoder decoder; /* with room for a value, which needs no zeros */
	bool done;

	*command = (Command){0};
	decoder.error = error;
	decoder.size = size;
	term_read_init(&decoder.reader, packet, len);
	done = read_command(&decoder, command, settings);
	if (done && !term_at_end(&decoder.reader))
		done = term_fail(&decoder.reader, "unexpected data after the command");
	if (decoder.reader.error != NULL)
		snprintf(error, size, "%s (at byte %zu of %zu)", decoder.reader.error,
				 decoder.reader.error_offset, len);
	if (!done)
		request_free(&command->backfill.request);
	return done;
}
