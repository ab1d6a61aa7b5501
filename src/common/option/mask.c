/*
 * mask.c
 *		What becomes of columns that are not for every reader.
 */
#include "common/option/mask.h"

#include <stdlib.h>
#include <string.h>

/* A text of a million characters is not masked any more. */
#define MAX_LENGTH 1000000

typedef enum Argument
{
	NOTHING,
	NUMBER,
	TEXT
} Argument;

static const struct
{
	const char *name;
	Argument argument;
} kinds[] = {[MASK_NONE] = {"", NOTHING},	 [MASK_HASH] = {"hash", NOTHING},
			 [MASK_KEEP] = {"keep", NUMBER}, [MASK_TRUNC] = {"trunc", NUMBER},
			 [MASK_FIXED] = {"fixed", TEXT}, [MASK_NULL] = {"null", NOTHING}};

static void
skip_spaces(const char **text)
{
	while (**text == ' ')
		(*text)++;
}

static MaskKind
take_kind(const char **text)
{
	size_t len = strspn(*text, "abcdefghijklmnopqrstuvwxyz");

	for (MaskKind kind = MASK_HASH; kind <= MASK_NULL; kind++)
		if (strlen(kinds[kind].name) == len &&
			memcmp(kinds[kind].name, *text, len) == 0)
		{
			*text += len;
			return kind;
		}
	return MASK_NONE;
}

/* Only keep() counts from the end. */
static bool
take_number(const char **text, Mask *mask)
{
	char *end;
	long number = strtol(*text, &end, 10);

	if (end == *text || number > MAX_LENGTH || number < -MAX_LENGTH ||
		(number < 0 && mask->kind != MASK_KEEP))
		return false;
	mask->length = (int) number;
	*text = end;
	return true;
}

/* Up to a parenthesis that has no backslash. */
static bool
take_text(const char **text, Mask *mask)
{
	mask->text.text = *text;
	while (**text != ')' && **text != '\0')
		*text += (*text)[0] == '\\' && (*text)[1] != '\0' ? 2 : 1;
	mask->text.len = (size_t) (*text - mask->text.text);
	return true;
}

static bool
take_argument(const char **text, Mask *mask)
{
	if (kinds[mask->kind].argument == NOTHING)
		return true;
	if (*(*text)++ != '(')
		return false;
	if (kinds[mask->kind].argument == NUMBER ? !take_number(text, mask)
											 : !take_text(text, mask))
		return false;
	return *(*text)++ == ')';
}

bool
mask_next(const char **text, Pattern *pattern, Mask *mask)
{
	const char *p = *text;

	*mask = (Mask){.kind = MASK_NONE};
	if (!pattern_take(&p, 3, ".,:", pattern) || *p++ != ':')
		return false;
	skip_spaces(&p);
	mask->kind = take_kind(&p);
	if (mask->kind == MASK_NONE || !take_argument(&p, mask))
		return false;
	skip_spaces(&p);
	if (*p != ',' && *p != '\0')
		return false;
	*text = *p == '\0' ? NULL : p + 1;
	return true;
}

const char *
masks_bad(const char *text)
{
	Pattern pattern;
	Mask mask;

	while (text != NULL)
		if (!mask_next(&text, &pattern, &mask))
			return text;
	return NULL;
}

/* "null" may be the atom for NULL, which no atom of the protocol may be. */
const char *
etf_mask_atom(MaskKind kind)
{
	if (kind == MASK_NONE)
		return NULL;
	return kind == MASK_NULL ? "nothing" : kinds[kind].name;
}

Mask
masks_find(const char *list, const char *schema, const char *table,
		   const char *column)
{
	Pattern pattern;
	Mask mask;

	while (list != NULL && mask_next(&list, &pattern, &mask))
		if (pattern_matches_column(&pattern, schema, table, column))
			return mask;
	return (Mask){.kind = MASK_NONE};
}

bool
masks_use(const char *list, MaskKind kind)
{
	Pattern pattern;
	Mask mask;

	while (list != NULL && mask_next(&list, &pattern, &mask))
		if (mask.kind == kind)
			return true;
	return false;
}
