/*
 * early.h
 *		Keys of moved rows that came before it is known what was read.
 *
 * A backfill that goes on behind a lost client has its tables to load and to
 * plan first, and the stream does not wait for that.
 */
#ifndef ETF_EARLY_H
#define ETF_EARLY_H

#include <stdint.h>

#include "client/base/strbuf.h"

typedef struct EarlyKeys
{
	StrBuf packed;
	bool lost;		/* there were more than may be */
	uint64_t first; /* number of the first command; 0: none came */
} EarlyKeys;

static inline bool
early_are_any(const EarlyKeys *early)
{
	return early->first != 0;
}

/* "keys" as {backfill_keys, ..} has them, a term; it is the command "number". */
extern void early_add(EarlyKeys *early, uint64_t number, uint64_t rel,
					  const uint8_t *keys, size_t len);

/* In order; "at" begins at 0.  False: there is no other. */
extern bool early_next(const EarlyKeys *early, size_t *at, uint64_t *rel,
					   const uint8_t **keys, size_t *len);

/* Leaves none. */
extern void early_free(EarlyKeys *early);

#endif
