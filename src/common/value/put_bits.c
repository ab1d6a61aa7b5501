/*
 * put_bits.c
 *		UUIDs and bit strings.
 */
#include "common/value/bits.h"

#define UUID_TEXT_LEN 36

/* Bytes before which the text has a hyphen. */
#define UUID_HYPHENS ((1 << 4) | (1 << 6) | (1 << 8) | (1 << 10))

/* Tag, length, and how many bits of the last byte count. */
#define BITS_HEADER_SIZE 6

static void
put_uuid_text(TermOut *out, const uint8_t *bytes)
{
	static const char hex[] = "0123456789abcdef";
	char text[UUID_TEXT_LEN];
	char *p = text;

	for (int i = 0; i < UUID_BYTES; i++)
	{
		if (UUID_HYPHENS & (1 << i))
			*p++ = '-';
		*p++ = hex[bytes[i] >> 4];
		*p++ = hex[bytes[i] & 0xF];
	}
	etf_put_binary(out, text, UUID_TEXT_LEN);
}

void
etf_put_uuid(TermOut *out, const uint8_t *bytes)
{
	if (out->forms->uuid == UUID_BINARY)
		etf_put_binary(out, (const char *) bytes, UUID_BYTES);
	else
		put_uuid_text(out, bytes);
}

static void
put_bits_header(TermOut *out, uint32_t bytes, uint32_t last_bits)
{
	char *p = out_reserve(out, BITS_HEADER_SIZE);

	p[0] = TAG_BIT_BINARY;
	store_uint32(p + 1, bytes);
	p[5] = (char) last_bits;
	out->len += BITS_HEADER_SIZE;
}

void
etf_put_bits(TermOut *out, const char *bytes, uint32_t bits)
{
	uint32_t len = bits / 8 + (bits % 8 > 0);

	if (bits % 8 == 0)
		etf_put_binary(out, bytes, len);
	else
	{
		put_bits_header(out, len, bits % 8);
		etf_put_raw(out, bytes, len);
	}
}
