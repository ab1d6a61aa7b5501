/*
 * decoder.h
 *		A packet of the BEAM, read: what all commands are made of.
 *
 * False leaves a message in "error", or in that of the reader.
 */
#ifndef ETF_DECODER_H
#define ETF_DECODER_H

#include "client/base/settings.h"
#include "common/term/read.h"

#define DECODER_NAME_SIZE 64
#define DECODER_VALUE_SIZE 65536

typedef struct Decoder
{
	TermReader reader;
	char *error;
	size_t size;
	char value[DECODER_VALUE_SIZE]; /* of the pair that is read */
} Decoder;

/* What is wrong, and with what; "name" may be empty. */
extern bool decoder_fail(Decoder *decoder, const char *what, const char *name);

/* Text of an atom, a binary or an ASCII charlist.  False: none, or too long. */
extern bool decoder_term_text(const Term *term, char *text, size_t size);

/* A value of a map as text, numbers included, into decoder->value. */
extern bool decoder_text(Decoder *decoder, const char *name);

/* A key of a map, of DECODER_NAME_SIZE bytes. */
extern bool decoder_name(Decoder *decoder, char *name);

/* #{Name => Value}, all of it text: connection and options. */
extern bool decoder_pairs(Decoder *decoder, PairList *list, const char *key);

/* A value of a struct that has rows of settings; see settings_set_text(). */
extern bool decoder_setting(Decoder *decoder, void *settings,
							const Setting *setting);

#endif
