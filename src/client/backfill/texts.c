/*
 * texts.c
 *		A few texts of a server: the columns of a key, or its values.
 */
#include "client/backfill/texts.h"

#include <stdlib.h>
#include <string.h>

bool
texts_add(Texts *texts, const char *bytes, size_t len)
{
	char **items;
	char *copy;

	if (texts->count == TEXTS_MAX || memchr(bytes, '\0', len) != NULL)
		return false;
	items = realloc(texts->items, (texts->count + 1) * sizeof(char *));
	if (items == NULL)
		return false;
	texts->items = items;
	copy = strndup(bytes, len);
	if (copy == NULL)
		return false;
	items[texts->count++] = copy;
	return true;
}

/* One element, quoted or not; returns where it ends. */
static const char *
parse_element(const char *p, StrBuf *element)
{
	bool quoted = *p == '"';

	for (p += quoted; *p != '\0' && (quoted ? *p != '"' : !strchr(",}", *p));
		 p++)
	{
		if (*p == '\\' && *++p == '\0')
			return NULL;
		strbuf_put(element, p, 1);
	}
	if (!quoted)
		return p;
	return *p == '"' ? p + 1 : NULL;
}

static bool
parse_elements(Texts *texts, const char *p, StrBuf *element)
{
	for (;; p++)
	{
		element->len = 0;
		strbuf_put(element, "", 0);
		p = parse_element(p, element);
		if (p == NULL || element->failed ||
			!texts_add(texts, element->data, element->len))
			return false;
		if (*p != ',')
			return strcmp(p, "}") == 0;
	}
}

bool
texts_parse(Texts *texts, const char *array)
{
	StrBuf element = {0};
	bool done;

	if (array[0] != '{')
		return false;
	if (strcmp(array, "{}") == 0)
		return true;
	done = parse_elements(texts, array + 1, &element);
	strbuf_free(&element);
	return done;
}

bool
texts_equal(const Texts *one, const Texts *other)
{
	if (one->count != other->count)
		return false;
	for (uint32_t i = 0; i < one->count; i++)
	{
		if (strcmp(one->items[i], other->items[i]) != 0)
			return false;
	}
	return true;
}

bool
texts_copy(Texts *texts, const Texts *from)
{
	texts_free(texts);
	for (uint32_t i = 0; i < from->count; i++)
	{
		if (!texts_add(texts, from->items[i], strlen(from->items[i])))
			return false;
	}
	return true;
}

void
texts_put(const Texts *texts, StrBuf *sql)
{
	if (texts->count == 0)
	{
		strbuf_puts(sql, "NULL");
		return;
	}
	for (uint32_t i = 0; i < texts->count; i++)
	{
		strbuf_puts(sql, i == 0 ? "ARRAY[" : ", ");
		strbuf_put_literal(sql, texts->items[i]);
	}
	strbuf_puts(sql, "]::pg_catalog.text[]");
}

void
texts_free(Texts *texts)
{
	for (uint32_t i = 0; i < texts->count; i++)
		free(texts->items[i]);
	free(texts->items);
	*texts = (Texts){0};
}
