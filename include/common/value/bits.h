/*
 * bits.h
 *		UUIDs and bit strings.
 */
#ifndef ETF_BITS_H
#define ETF_BITS_H

#include "common/term/write.h"

#define UUID_BYTES 16

extern void etf_put_uuid(TermOut *out, const uint8_t *bytes);

/* The bits from the highest of the first byte on. */
extern void etf_put_bits(TermOut *out, const char *bytes, uint32_t bits);

#endif
