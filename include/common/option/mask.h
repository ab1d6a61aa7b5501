/*
 * mask.h
 *		What becomes of columns that are not for every reader.
 *
 *		public.users.email:hash, *.*.phone:keep(-4), public.users.name:fixed(x)
 */
#ifndef ETF_OPTION_MASK_H
#define ETF_OPTION_MASK_H

#include "common/option/pattern.h"

typedef enum MaskKind
{
	MASK_NONE,
	MASK_HASH,	/* of its text, with the server's key */
	MASK_KEEP,	/* so many characters of a text, negative: its last ones */
	MASK_TRUNC, /* no more than so many characters of a text */
	MASK_FIXED, /* another text */
	MASK_NULL
} MaskKind;

typedef struct Mask
{
	MaskKind kind;
	int length;		  /* of MASK_KEEP and MASK_TRUNC */
	PatternPart text; /* of MASK_FIXED; backslashes still in it */
} Mask;

/*
 * Take the next column and its mask, and move *text behind them; to NULL behind
 * the last ones.  False: they are malformed.
 */
extern bool mask_next(const char **text, Pattern *pattern, Mask *mask);

/* NULL when a list is sound; else where the first bad one is. */
extern const char *masks_bad(const char *text);

/* A kind as an atom of the protocol; NULL for MASK_NONE. */
extern const char *etf_mask_atom(MaskKind kind);

/* The first mask of a sound list that matches; MASK_NONE: none does. */
extern Mask masks_find(const char *list, const char *schema, const char *table,
					   const char *column);

/* Does it name this kind? */
extern bool masks_use(const char *list, MaskKind kind);

#endif
