/*
 * put_net.c
 *		inet, cidr, macaddr, macaddr8.
 *
 * Dialect elixir represents them as Postgrex does, where a netmask is nil for
 * an inet that is a single host; erlang as epgsql, where such an address
 * stands alone; compact as {Bytes, Mask} and Bytes, with elixir's nil.
 */
#include "common/term/template.h"
#include "common/value/net.h"

static EtfTemplate inet_template = {
	.module = "Elixir.Postgrex.INET",
	.fields = {{"address", FILL_TERM, NULL}, {"netmask", FILL_TERM, NULL}}};
static EtfTemplate mac_template = {.module = "Elixir.Postgrex.MACADDR",
								   .fields = {{"address", FILL_TERM, NULL}}};

static void
put_byte_tuple(TermOut *out, const uint8_t *bytes, int n)
{
	etf_put_tuple(out, (uint32_t) n);
	for (int i = 0; i < n; i++)
		etf_put_int(out, bytes[i]);
}

/* As inet:ip_address(): 4 bytes, or 8 groups of two. */
static void
put_address(TermOut *out, const uint8_t *bytes, int n)
{
	if (n == INET_BYTES)
	{
		put_byte_tuple(out, bytes, n);
		return;
	}
	etf_put_tuple(out, INET6_BYTES / 2);
	for (int i = 0; i < INET6_BYTES; i += 2)
		etf_put_int(out, bytes[i] << 8 | bytes[i + 1]);
}

void
etf_put_inet(TermOut *out, const uint8_t *bytes, int n, int bits, bool cidr)
{
	bool host = !cidr && bits == n * 8;

	switch ((EtfDialect) out->forms->dialect)
	{
		case DIALECT_ELIXIR:
			etf_put_template(out, &inet_template);
			put_address(out, bytes, n);
			etf_put_template_rest(out, &inet_template, 0);
			break;
		case DIALECT_ERLANG:
			if (host)
			{
				put_address(out, bytes, n);
				return;
			}
			etf_put_tuple(out, 2);
			put_address(out, bytes, n);
			break;
		case DIALECT_COMPACT:
			etf_put_tuple(out, 2);
			etf_put_binary(out, (const char *) bytes, (size_t) n);
			break;
	}
	if (host)
		etf_put_atom(out, "nil");
	else
		etf_put_int(out, bits);
}

void
etf_put_mac(TermOut *out, const uint8_t *bytes, int n)
{
	switch ((EtfDialect) out->forms->dialect)
	{
		case DIALECT_ELIXIR:
			etf_put_template(out, &mac_template);
			put_byte_tuple(out, bytes, n);
			break;
		case DIALECT_ERLANG:
			put_byte_tuple(out, bytes, n);
			break;
		case DIALECT_COMPACT:
			etf_put_binary(out, (const char *) bytes, (size_t) n);
			break;
	}
}
