/*
 * value_bits.c
 *		UUIDs and bit strings.
 */
#include "postgres.h"

#include <ei.h>

#include "port/pg_bswap.h"
#include "utils/uuid.h"

#include "plugin/encoders.h"

#define UUID_TEXT_LEN 36

/* Bytes before which the text has a hyphen. */
#define UUID_HYPHENS ((1 << 4) | (1 << 6) | (1 << 8) | (1 << 10))

/* Tag, length, and how many bits of the last byte count. */
#define BITS_HEADER_SIZE 6

static void
put_uuid_text(EtfOut *out, const unsigned char *bytes)
{
	static const char hex[] = "0123456789abcdef";
	char text[UUID_TEXT_LEN];
	char *p = text;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (UUID_HYPHENS & (1 << i))
			*p++ = '-';
		*p++ = hex[bytes[i] >> 4];
		*p++ = hex[bytes[i] & 0xF];
	}
	etf_put_binary(out, text, UUID_TEXT_LEN);
}

void
encode_uuid(EtfOut *out, const EtfType *type, Datum value)
{
	const pg_uuid_t *uuid = DatumGetUUIDP(value);

	if (out->options->uuid == UUID_BINARY)
		etf_put_binary(out, (const char *) uuid->data, UUID_LEN);
	else
		put_uuid_text(out, uuid->data);
}

static void
put_bits_header(EtfOut *out, uint32 bytes, int last_bits)
{
	char *p = out_reserve(out, BITS_HEADER_SIZE);

	bytes = pg_hton32(bytes);
	p[0] = ERL_BIT_BINARY_EXT;
	memcpy(p + 1, &bytes, sizeof(bytes));
	p[5] = (char) last_bits;
	out->buf->len += BITS_HEADER_SIZE;
}

/* bit and varbit: their length in bits, then the bits from the highest on. */
void
encode_bits(EtfOut *out, const EtfType *type, Datum value)
{
	struct varlena *datum = PG_DETOAST_DATUM_PACKED(value);
	const char *bytes = VARDATA_ANY(datum) + sizeof(int32);
	uint32 len = VARSIZE_ANY_EXHDR(datum) - sizeof(int32);
	int32 bits;

	memcpy(&bits, VARDATA_ANY(datum), sizeof(bits));
	if (bits % BITS_PER_BYTE == 0)
		etf_put_binary(out, bytes, len);
	else
	{
		put_bits_header(out, len, bits % BITS_PER_BYTE);
		etf_put_raw(out, bytes, len);
	}
}
