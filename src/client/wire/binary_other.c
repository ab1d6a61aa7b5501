/*
 * binary_other.c
 *		Bytes, bits, UUIDs, jsonb and addresses in binary.
 */
#include "client/wire/binary.h"
#include "common/value/bits.h"
#include "common/value/net.h"

#define JSONB_VERSION 1

/* As inet_send has them, whatever the system's own numbers are. */
#define FAMILY_INET 2
#define FAMILY_INET6 3

void
binary_char(WireReader *in)
{
	const char *byte = binary_bytes(in, 1);

	if (byte != NULL)
		etf_put_binary(in->out, byte, 1);
}

void
binary_bytea(WireReader *in)
{
	size_t len;
	const char *bytes = wire_take_rest(in, &len);

	etf_put_binary(in->out, bytes, len);
}

void
binary_bits(WireReader *in)
{
	uint32_t bits = (uint32_t) binary_uint(in, 4);
	const char *bytes = binary_bytes(in, ((size_t) bits + 7) / 8);

	if (bytes != NULL)
		etf_put_bits(in->out, bytes, bits);
}

void
binary_uuid(WireReader *in)
{
	const char *bytes = binary_bytes(in, UUID_BYTES);

	if (bytes != NULL)
		etf_put_uuid(in->out, (const uint8_t *) bytes);
}

void
binary_jsonb(WireReader *in)
{
	if (binary_uint(in, 1) == JSONB_VERSION)
		wire_rest_json(in);
	else
		wire_fail(in);
}

void
binary_inet(WireReader *in)
{
	uint64_t family = binary_uint(in, 1);
	int bits = (int) binary_uint(in, 1);
	bool cidr = binary_uint(in, 1) != 0;
	int n = (int) binary_uint(in, 1);
	const char *bytes = binary_bytes(in, (size_t) n);

	if (bytes == NULL || bits > n * 8 ||
		!((family == FAMILY_INET && n == INET_BYTES) ||
		  (family == FAMILY_INET6 && n == INET6_BYTES)))
		wire_fail(in);
	else
		etf_put_inet(in->out, (const uint8_t *) bytes, n, bits, cidr);
}

static void
put_mac(WireReader *in, int n)
{
	const char *bytes = binary_bytes(in, (size_t) n);

	if (bytes != NULL)
		etf_put_mac(in->out, (const uint8_t *) bytes, n);
}

void
binary_macaddr(WireReader *in)
{
	put_mac(in, 6);
}

void
binary_macaddr8(WireReader *in)
{
	put_mac(in, 8);
}
