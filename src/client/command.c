/*
 * command.c
 *		Commands of the BEAM, decoded.
 *
 * Between inbox.c and port.c.  The packet is read with bounds checked; what
 * is wrong is named, because the other side is somebody's program.
 */
#include "client/command.h"

#include <stdio.h>
#include <string.h>

#include "common/term_read.h"

#define NAME_MAX_LEN 64
#define VALUE_MAX_LEN 65536

typedef struct Decoder
{
	TermReader reader;
	char *error;
	size_t size;
	char value[VALUE_MAX_LEN]; /* of the setting that is read */
} Decoder;

static bool
fail(Decoder *decoder, const char *what, const char *name)
{
	snprintf(decoder->error, decoder->size, "%s%s%s%s", what,
			 name[0] != '\0' ? " \"" : "", name, name[0] != '\0' ? "\"" : "");
	return false;
}

/* A charlist is Latin-1 where it comes as a string: UTF-8 only in ASCII. */
static bool
is_ascii(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (bytes[i] >= 128)
			return false;
	}
	return true;
}

/* Text of an atom, a binary or an ASCII charlist.  False: none, or too long. */
static bool
term_text(const Term *term, char *text, size_t size)
{
	const uint8_t *bytes = term->bytes;
	size_t len = term->len;

	if (term->kind == TERM_ATOM)
	{
		bytes = term->name.bytes;
		len = term->name.len;
	}
	else if (term->kind == TERM_NIL)
		len = 0;
	else if (term->kind != TERM_BINARY &&
			 (term->kind != TERM_STRING || !is_ascii(bytes, len)))
		return false;
	if (len >= size || (len > 0 && memchr(bytes, '\0', len) != NULL))
		return false;
	if (len > 0)
		memcpy(text, bytes, len);
	text[len] = '\0';
	return true;
}

/* A value of a map as text, numbers included. */
static bool
read_text(Decoder *decoder, const char *name)
{
	Term term;

	if (!term_next(&decoder->reader, &term))
		return false;
	if (term.kind == TERM_INTEGER)
	{
		snprintf(decoder->value, sizeof(decoder->value), "%lld",
				 (long long) term.integer);
		return true;
	}
	return term_text(&term, decoder->value, sizeof(decoder->value)) ||
		   fail(decoder, "neither text nor an integer:", name);
}

static bool
read_name(Decoder *decoder, char *name)
{
	Term term;

	if (!term_next(&decoder->reader, &term))
		return false;
	return (term.kind != TERM_NIL && term_text(&term, name, NAME_MAX_LEN)) ||
		   fail(decoder, "a key is not an atom or a binary", "");
}

/* #{Name => Value}, all of it text: connection and options. */
static bool
read_pairs(Decoder *decoder, PairList *list, const char *key)
{
	Term map;
	char name[NAME_MAX_LEN];

	if (!term_next(&decoder->reader, &map))
		return false;
	if (map.kind != TERM_MAP)
		return fail(decoder, "not a map:", key);
	for (uint32_t i = 0; i < map.count; i++)
	{
		if (!read_name(decoder, name) || !read_text(decoder, name))
			return false;
		if (list->count == PAIRS_MAX)
			return fail(decoder, "too many pairs in", key);
		if (!pairs_put(list, name, decoder->value))
			return fail(decoder, "out of memory", "");
	}
	return true;
}

static bool
read_setting(Decoder *decoder, Settings *settings, const Setting *setting)
{
	TermReader ahead = decoder->reader;
	Term term;
	uint64_t number;

	if (!term_next(&ahead, &term))
		return term_skip(&decoder->reader);
	if (term.kind == TERM_INTEGER || term.kind == TERM_BIG)
		return term_next_uint64(
				   &decoder->reader, &number,
				   "a number in the settings is not from 0 to 2^64-1") &&
			   settings_set_number(settings, setting, number, decoder->error,
								   decoder->size);
	return read_text(decoder, setting->name) &&
		   settings_set_text(settings, setting, decoder->value, decoder->error,
							 decoder->size);
}

static bool
read_pair(Decoder *decoder, Settings *settings)
{
	char name[NAME_MAX_LEN];
	const Setting *setting;

	if (!read_name(decoder, name))
		return false;
	if (strcmp(name, "connection") == 0)
		return read_pairs(decoder, &settings->connection, name);
	if (strcmp(name, "options") == 0)
		return read_pairs(decoder, &settings->options, name);
	setting = settings_find(name, strlen(name));
	if (setting == NULL)
		return fail(decoder, "unknown setting", name);
	return read_setting(decoder, settings, setting);
}

static bool
read_start(Decoder *decoder, Settings *settings)
{
	Term map;

	if (!term_next(&decoder->reader, &map))
		return false;
	if (map.kind != TERM_MAP)
		return fail(decoder, "settings are not a map", "");
	for (uint32_t i = 0; i < map.count; i++)
	{
		if (!read_pair(decoder, settings))
			return false;
	}
	return settings_check(settings, decoder->error, decoder->size);
}

static bool
read_tuple(Decoder *decoder, uint32_t arity, Command *command,
		   Settings *settings)
{
	Term name;
	TermReader *reader = &decoder->reader;

	if (!term_next_atom(reader, &name, "command does not start with an atom"))
		return false;
	if (arity == 2 && term_is_atom(&name, "start"))
	{
		command->kind = COMMAND_START;
		return settings != NULL ? read_start(decoder, settings)
								: fail(decoder, "{start, Map} came twice", "");
	}
	if (arity == 2 && term_is_atom(&name, "flushed"))
	{
		command->kind = COMMAND_FLUSHED;
		return term_next_uint64(reader, &command->lsn,
								"flushed: not a position");
	}
	if (arity == 3 && term_is_atom(&name, "go"))
	{
		command->kind = COMMAND_GO;
		return term_next_uint64(reader, &command->lsn, "go: not a position") &&
			   term_next_uint64(reader, &command->seen,
								"go: not a position of the slot");
	}
	if (arity == 3 && term_is_atom(&name, "credit"))
	{
		command->kind = COMMAND_CREDIT;
		return term_next_uint64(reader, &command->events,
								"credit: not a number of events") &&
			   term_next_uint64(reader, &command->bytes,
								"credit: not a number of bytes");
	}
	return term_fail(reader, "unknown command");
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
		return term_fail(&decoder->reader, "unknown command");
	return true;
}

bool
command_decode(const char *packet, size_t len, Command *command,
			   Settings *settings, char *error, size_t size)
{
	Decoder decoder = {.error = error, .size = size};
	bool done;

	*command = (Command){0};
	term_read_init(&decoder.reader, packet, len);
	done = read_command(&decoder, command, settings);
	if (done && !term_at_end(&decoder.reader))
		done = term_fail(&decoder.reader, "something follows the command");
	if (decoder.reader.error != NULL)
		snprintf(error, size, "%s (at byte %zu of %zu)", decoder.reader.error,
				 decoder.reader.error_offset, len);
	return done;
}
