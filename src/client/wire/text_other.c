/*
 * text_other.c
 *		Bytes, bits, UUIDs and addresses from their text.
 */
#include <arpa/inet.h>

#include "client/wire/text.h"
#include "common/value/bits.h"
#include "common/value/net.h"

#define OID_CIDR 650

/* "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" and its terminator. */
#define ADDRESS_TEXT 46

#define MAC_BYTES 6
#define MAC8_BYTES 8

static uint8_t
take_byte(WireReader *in)
{
	uint8_t high = text_hex(in);

	return (uint8_t) (high << 4 | text_hex(in));
}

/* One above 127 is \ooo since PostgreSQL 15; that of zero is empty. */
void
text_char(WireReader *in)
{
	char byte = '\0';

	if (wire_left(in) == 4 && text_skip(in, '\\'))
		for (int i = 0; i < 3; i++)
			byte = (char) ((unsigned char) byte << 3 | text_digit(in));
	else if (wire_left(in) > 0)
		byte = *in->pos++;
	etf_put_binary(in->out, &byte, 1);
}

void
text_bytea(WireReader *in)
{
	TermOut *out = in->out;
	size_t len;
	char *bytes;

	if (!text_skip_word(in, "\\x"))
	{
		wire_fail(in);
		return;
	}
	len = wire_left(in) / 2;
	bytes = out->host->scratch(NULL, len + 1);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char) take_byte(in);
	etf_put_binary(out, bytes, len);
	out_scratch_free(out, bytes);
}

void
text_bits(WireReader *in)
{
	TermOut *out = in->out;
	size_t bits = wire_left(in);
	char *bytes = out->host->scratch(NULL, bits / 8 + 1);

	memset(bytes, 0, bits / 8 + 1);
	for (size_t i = 0; i < bits; i++)
	{
		if (text_skip(in, '1'))
			bytes[i / 8] = (char) (bytes[i / 8] | 0x80 >> i % 8);
		else
			text_expect(in, '0');
	}
	etf_put_bits(out, bytes, (uint32_t) bits);
	out_scratch_free(out, bytes);
}

void
text_uuid(WireReader *in)
{
	uint8_t bytes[UUID_BYTES];

	for (int i = 0; i < UUID_BYTES; i++)
	{
		text_skip(in, '-');
		bytes[i] = take_byte(in);
	}
	etf_put_uuid(in->out, bytes);
}

static void
put_address(WireReader *in, const char *text)
{
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	int n = family == AF_INET6 ? INET6_BYTES : INET_BYTES;
	int bits = n * 8;
	uint8_t bytes[INET6_BYTES];

	if (text_skip(in, '/'))
		bits = (int) text_uint(in, (uint64_t) bits);
	if (inet_pton(family, text, bytes) == 1)
		etf_put_inet(in->out, bytes, n, bits, in->type->base == OID_CIDR);
	else
		wire_fail(in);
}

void
text_inet(WireReader *in)
{
	char text[ADDRESS_TEXT];
	size_t len = 0;

	while (len < ADDRESS_TEXT - 1 && text_peek(in) > 0 && text_peek(in) != '/')
		text[len++] = *in->pos++;
	text[len] = '\0';
	put_address(in, text);
}

static void
put_mac(WireReader *in, int n)
{
	uint8_t bytes[MAC8_BYTES];

	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			text_expect(in, ':');
		bytes[i] = take_byte(in);
	}
	etf_put_mac(in->out, bytes, n);
}

void
text_macaddr(WireReader *in)
{
	put_mac(in, MAC_BYTES);
}

void
text_macaddr8(WireReader *in)
{
	put_mac(in, MAC8_BYTES);
}
