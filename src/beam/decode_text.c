/*
 * decode_text.c
 *		Text, raw bytes, bits, uuids, labels, and types with a text form only.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/uuid.h"
#include "utils/varbit.h"

#include "beam/decoders.h"
#include "common/term/utf8.h"
#include "compat/values.h"

static char *
text_of(Decoding *in, const DecodeType *type, const Term *term)
{
	if (term->kind != TERM_BINARY)
		decode_mismatch(in, type, term);
	return decode_text_of(term);
}

/* text, varchar, bpchar, refcursor: all stored alike. */
Datum
decode_text(Decoding *in, const DecodeType *type, const Term *term)
{
	const char *bytes = (const char *) term->bytes;
	char *text;

	if (term->kind != TERM_BINARY)
		decode_mismatch(in, type, term);
	text = pg_any_to_server(bytes, (int) term->len, PG_UTF8);
	return PointerGetDatum(cstring_to_text_with_len(
		text, text == bytes ? (int) term->len : (int) strlen(text)));
}

Datum
decode_name(Decoding *in, const DecodeType *type, const Term *term)
{
	return decode_input(type, text_of(in, type, term));
}

/* One byte, in no particular encoding; a zero byte is an empty text. */
Datum
decode_char(Decoding *in, const DecodeType *type, const Term *term)
{
	if (term->kind != TERM_BINARY || term->len > 1)
		decode_mismatch(in, type, term);
	return CharGetDatum(term->len == 0 ? '\0' : (char) term->bytes[0]);
}

Datum
decode_bytea(Decoding *in, const DecodeType *type, const Term *term)
{
	if (term->kind != TERM_BINARY)
		decode_mismatch(in, type, term);
	return PointerGetDatum(
		cstring_to_text_with_len((const char *) term->bytes, (int) term->len));
}

/* A bitstring of whole bytes is a binary. */
static Datum
bits_of(Decoding *in, const DecodeType *type, const Term *term)
{
	uint32 last = term->kind == TERM_BITS ? term->bits : BITS_PER_BYTE;
	Size size = VARBITTOTALLEN(term->len * BITS_PER_BYTE);
	VarBit *bits;

	if ((term->kind != TERM_BITS && term->kind != TERM_BINARY) ||
		term->len > VARBITMAXLEN / BITS_PER_BYTE)
		decode_mismatch(in, type, term);
	bits = palloc0(size);
	SET_VARSIZE(bits, size);
	VARBITLEN(bits) = term->len * BITS_PER_BYTE;
	memcpy(VARBITS(bits), term->bytes, term->len);
	if (last < BITS_PER_BYTE)
	{
		VARBITLEN(bits) -= BITS_PER_BYTE - last;
		VARBITS(bits)
		[term->len - 1] &= (unsigned char) (0xFF << (BITS_PER_BYTE - last));
	}
	return VarBitPGetDatum(bits);
}

Datum
decode_bits(Decoding *in, const DecodeType *type, const Term *term)
{
	return bits_of(in, type, term);
}

/* 16 raw bytes, or text. */
Datum
decode_uuid(Decoding *in, const DecodeType *type, const Term *term)
{
	pg_uuid_t *uuid;

	if (term->kind != TERM_BINARY || term->len != UUID_LEN)
		return decode_input(type, text_of(in, type, term));
	uuid = palloc(sizeof(pg_uuid_t));
	memcpy(uuid->data, term->bytes, UUID_LEN);
	return UUIDPGetDatum(uuid);
}

/* Until OTP 25 atoms come in ISO 8859-1, of which each byte is a character. */
Term
decode_name_of(const Term *term)
{
	Term binary = *term;
	char *utf8;

	if (term->kind != TERM_ATOM)
		return binary;
	binary.kind = TERM_BINARY;
	binary.bytes = term->name.bytes;
	binary.len = term->name.len;
	if (!term->name.latin1)
		return binary;
	utf8 = palloc(2 * term->name.len + UTF8_MAX);
	binary.bytes = (const uint8_t *) utf8;
	binary.len = 0;
	for (uint32 i = 0; i < term->name.len; i++)
		binary.len += utf8_encode(term->name.bytes[i], utf8 + binary.len);
	return binary;
}

/* The label, as text or as an atom. */
Datum
decode_enum(Decoding *in, const DecodeType *type, const Term *term)
{
	Term label = decode_name_of(term);

	return decode_input(type, text_of(in, type, &label));
}

/* A number stands for its text, as for numeric. */
Datum
decode_by_input(Decoding *in, const DecodeType *type, const Term *term)
{
	const char *text = term->kind == TERM_BINARY ? decode_text_of(term)
												 : decode_number_text(in, term);

	if (text == NULL)
		decode_mismatch(in, type, term);
	return decode_input(type, text);
}
