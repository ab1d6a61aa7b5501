/*
 * unkept.h
 *		Which commands have brought keys of moved rows that are not kept yet.
 *
 * The consumer is told up to which one all are, by their numbers.  Pure.
 */
#ifndef ETF_UNKEPT_H
#define ETF_UNKEPT_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers of the first one; 0: there is none. */
typedef struct Unkept
{
	uint64_t first;
	uint64_t behind; /* of those that came since a save has begun */
} Unkept;

/* Of two such numbers, the first. */
static inline uint64_t
unkept_min(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static inline uint64_t
unkept_first(const Unkept *unkept)
{
	return unkept_min(unkept->first, unkept->behind);
}

static inline void
unkept_add(Unkept *unkept, bool saving, uint64_t number)
{
	uint64_t *at = saving ? &unkept->behind : &unkept->first;

	*at = unkept_min(*at, number);
}

/* The save that has begun is done, or has failed. */
static inline void
unkept_saved(Unkept *unkept)
{
	*unkept = (Unkept){.first = unkept->behind};
}

static inline void
unkept_failed(Unkept *unkept)
{
	*unkept = (Unkept){.first = unkept_first(unkept)};
}

#endif
