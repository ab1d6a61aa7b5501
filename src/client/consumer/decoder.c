/*
 * decoder.c
 *		A packet of the BEAM, read: what all commands are made of.
 *
 * Used by command.c and command_backfill.c.
 */
#include "client/consumer/decoder.h"

#include <stdio.h>
#include <string.h>

bool
decoder_fail(Decoder *decoder, const char *what, const char *name)
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

bool
decoder_term_text(const Term *term, char *text, size_t size)
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

bool
decoder_text(Decoder *decoder, const char *name)
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
	return decoder_term_text(&term, decoder->value, sizeof(decoder->value)) ||
		   decoder_fail(decoder, "neither text nor an integer:", name);
}

bool
decoder_name(Decoder *decoder, char *name)
{
	Term term;

	if (!term_next(&decoder->reader, &term))
		return false;
	return (term.kind != TERM_NIL &&
			decoder_term_text(&term, name, DECODER_NAME_SIZE)) ||
		   decoder_fail(decoder, "a key is not an atom or a binary", "");
}

bool
decoder_pairs(Decoder *decoder, PairList *list, const char *key)
{
	Term map;
	char name[DECODER_NAME_SIZE];

	if (!term_next(&decoder->reader, &map))
		return false;
	if (map.kind != TERM_MAP)
		return decoder_fail(decoder, "not a map:", key);
	for (uint32_t i = 0; i < map.count; i++)
	{
		if (!decoder_name(decoder, name) || !decoder_text(decoder, name))
			return false;
		if (list->count == PAIRS_MAX)
			return decoder_fail(decoder, "too many pairs in", key);
		if (!pairs_put(list, name, decoder->value))
			return decoder_fail(decoder, "out of memory", "");
	}
	return true;
}

bool
decoder_setting(Decoder *decoder, void *settings, const Setting *setting)
{
	TermReader ahead = decoder->reader;
	Term term;
	uint64_t number;

	if (!term_next(&ahead, &term))
		return term_skip(&decoder->reader);
	if (term.kind == TERM_INTEGER || term.kind == TERM_BIG)
		return term_next_uint64(
				   &decoder->reader, &number,
				   "a number in the settings is outside 0 to 2^64-1") &&
			   settings_set_number(settings, setting, number, decoder->error,
								   decoder->size);
	return decoder_text(decoder, setting->name) &&
		   settings_set_text(settings, setting, decoder->value, decoder->error,
							 decoder->size);
}
