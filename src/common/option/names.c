/*
 * names.c
 *		Lists of names as SQL has them.
 *
 * As the server's SplitIdentifierString, which is not at hand in the client.
 */
#include "common/option/names.h"

#include <string.h>

#define SPACES " \t\n\r\f\v"

static void
put(char **name, char c)
{
	if (*name != NULL)
		*(*name)++ = c;
}

/* Up to the closing quote; NULL: there is none. */
static const char *
take_quoted(const char *p, char **name)
{
	for (p++; *p != '\0'; p++)
	{
		if (*p == '"' && *++p != '"')
			return p;
		put(name, *p);
	}
	return NULL;
}

/* NULL: there is nothing to take. */
static const char *
take_plain(const char *p, char **name)
{
	const char *start = p;

	for (; *p != '\0' && strchr("," SPACES, *p) == NULL; p++)
		put(name, *p >= 'A' && *p <= 'Z' ? (char) (*p - 'A' + 'a') : *p);
	return p > start ? p : NULL;
}

bool
sql_names_next(const char **text, char *name)
{
	const char *p = *text + strspn(*text, SPACES);

	p = *p == '"' ? take_quoted(p, &name) : take_plain(p, &name);
	if (p == NULL)
		return false;
	put(&name, '\0');
	p += strspn(p, SPACES);
	if (*p != '\0' && *p != ',')
		return false;
	*text = *p == '\0' ? NULL : p + 1;
	return true;
}

bool
sql_names_sound(const char *text)
{
	while (text != NULL)
		if (!sql_names_next(&text, NULL))
			return false;
	return true;
}
