/*
 * value_net.c
 *		inet, cidr, macaddr, macaddr8.
 *
 * Dialect elixir tells them as Postgrex does, where a netmask is nil for an
 * inet that is a single host; erlang as epgsql, where such an address stands
 * alone; compact as {Bytes, Mask} and Bytes, with elixir's nil.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "catalog/pg_type.h"
#include "utils/inet.h"

#include "plugin/encoders.h"
#include "plugin/template.h"

static EtfTemplate inet_template = {
	.module = "Elixir.Postgrex.INET",
	.fields = {{"address", FILL_TERM, NULL}, {"netmask", FILL_TERM, NULL}}};
static EtfTemplate mac_template = {.module = "Elixir.Postgrex.MACADDR",
								   .fields = {{"address", FILL_TERM, NULL}}};

static void put_address(EtfOut *out, const inet *address);
static void put_byte_tuple(EtfOut *out, const unsigned char *bytes, int n);
static void put_mac(EtfOut *out, const unsigned char *bytes, int n);

void
encode_inet(EtfOut *out, const EtfType *type, Datum value)
{
	const inet *address = DatumGetInetPP(value);
	int bits = ip_bits(address);
	bool host = type->typid != CIDROID && bits == ip_maxbits(address);

	switch (out->options->dialect)
	{
		case DIALECT_ELIXIR:
			etf_put_template(out, &inet_template);
			put_address(out, address);
			etf_put_template_rest(out, &inet_template, 0);
			break;
		case DIALECT_ERLANG:
			if (host)
			{
				put_address(out, address);
				return;
			}
			etf_put_tuple(out, 2);
			put_address(out, address);
			break;
		case DIALECT_COMPACT:
			etf_put_tuple(out, 2);
			etf_put_binary(out, (const char *) ip_addr(address),
						   ip_addrsize(address));
			break;
	}
	if (host)
		etf_put_atom(out, "nil");
	else
		etf_put_int(out, bits);
}

/* As inet:ip_address(): 4 bytes, or 8 groups of two. */
static void
put_address(EtfOut *out, const inet *address)
{
	const unsigned char *bytes = ip_addr(address);

	if (ip_family(address) == PGSQL_AF_INET)
	{
		put_byte_tuple(out, bytes, 4);
		return;
	}
	etf_put_tuple(out, 8);
	for (int i = 0; i < 16; i += 2)
		etf_put_int(out, bytes[i] << 8 | bytes[i + 1]);
}

static void
put_byte_tuple(EtfOut *out, const unsigned char *bytes, int n)
{
	etf_put_tuple(out, n);
	for (int i = 0; i < n; i++)
		etf_put_int(out, bytes[i]);
}

/* Both types are just their bytes, and so may be read where they lie. */
void
encode_macaddr(EtfOut *out, const EtfType *type, Datum value)
{
	put_mac(out, (const unsigned char *) DatumGetMacaddrP(value), 6);
}

void
encode_macaddr8(EtfOut *out, const EtfType *type, Datum value)
{
	put_mac(out, (const unsigned char *) DatumGetMacaddr8P(value), 8);
}

static void
put_mac(EtfOut *out, const unsigned char *bytes, int n)
{
	switch (out->options->dialect)
	{
		case DIALECT_ELIXIR:
			etf_put_template(out, &mac_template);
			put_byte_tuple(out, bytes, n);
			break;
		case DIALECT_ERLANG:
			put_byte_tuple(out, bytes, n);
			break;
		case DIALECT_COMPACT:
			etf_put_binary(out, (const char *) bytes, n);
			break;
	}
}
