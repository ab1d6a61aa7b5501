/*
 * net.h
 *		Addresses of hosts, networks and cards.
 */
#ifndef ETF_NET_H
#define ETF_NET_H

#include "common/term/write.h"

#define INET_BYTES 4
#define INET6_BYTES 16

/*
 * An address of INET_BYTES or INET6_BYTES and its netmask in bits: an inet that
 * is a single host has none, a cidr always has one.
 */
extern void etf_put_inet(TermOut *out, const uint8_t *bytes, int n, int bits,
						 bool cidr);

/* macaddr and macaddr8: 6 bytes, or 8. */
extern void etf_put_mac(TermOut *out, const uint8_t *bytes, int n);

#endif
