/*
 * host.h
 *		The server's memory and text for the encoders of the shared ring.
 */
#ifndef ETF_HOST_H
#define ETF_HOST_H

#include "lib/stringinfo.h"

#include "common/term/write.h"

extern const TermHost etf_host;

/*
 * Write behind what "buf" holds, which out->len alone counts from here on:
 * buf->len is behind until etf_out_detach().
 */
extern void etf_out_attach(TermOut *out, StringInfo buf, const Forms *forms);
extern void etf_out_detach(TermOut *out);

/*
 * A binary with this text of the server encoding, as UTF-8.  Text that has no
 * UTF-8 form becomes {unconverted, Bytes}; SQL_ASCII passes through.
 */
extern void etf_put_text(TermOut *out, const char *text, Size len);

/* Whether different texts of the server encoding may be the same in UTF-8. */
extern bool etf_keys_may_repeat(void);

#endif
