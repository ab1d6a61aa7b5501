/*
 * fuzz.c
 *		What the fuzz targets share.
 */
#include "fuzz.h"

#include <string.h>

#include "common/term/utf8.h"

/* Deeper than any term that fits an input. */
#define JSON_DEPTH 65536

void *
fuzz_copy(const void *bytes, size_t len)
{
	void *copy = malloc(len > 0 ? len : 1);

	HOLDS(copy != NULL);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

size_t
fuzz_piece(uint32_t *state, size_t left)
{
	size_t most;

	*state = *state * 1664525 + 1013904223;
	most = (size_t) 1 << (*state >> 29);
	return most < left ? most : left;
}

typedef struct Json
{
	const char *pos;
	const char *end;
} Json;

static bool
take(Json *json, const char *characters)
{
	if (json->pos == json->end || strchr(characters, *json->pos) == NULL ||
		*json->pos == '\0')
		return false;
	json->pos++;
	return true;
}

static size_t
take_all(Json *json, const char *characters)
{
	const char *start = json->pos;

	while (take(json, characters))
		;
	return (size_t) (json->pos - start);
}

static bool
take_word(Json *json, const char *word)
{
	size_t len = strlen(word);

	if ((size_t) (json->end - json->pos) < len ||
		memcmp(json->pos, word, len) != 0)
		return false;
	json->pos += len;
	return true;
}

static bool
take_escape(Json *json)
{
	if (!take(json, "u"))
		return take(json, "\"\\/bfnrt");
	for (int i = 0; i < 4; i++)
	{
		if (!take(json, "0123456789abcdefABCDEF"))
			return false;
	}
	return true;
}

/* Behind the opening quote. */
static bool
take_string(Json *json)
{
	while (json->pos < json->end && *json->pos != '"')
	{
		if ((unsigned char) *json->pos < 0x20)
			return false;
		if (*json->pos++ == '\\' && !take_escape(json))
			return false;
	}
	return take(json, "\"");
}

static bool
take_number(Json *json)
{
	static const char digits[] = "0123456789";

	take(json, "-");
	if (!take(json, "0") && take_all(json, digits) == 0)
		return false;
	if (take(json, ".") && take_all(json, digits) == 0)
		return false;
	if (!take(json, "eE"))
		return true;
	take(json, "+-");
	return take_all(json, digits) > 0;
}

static bool
take_scalar(Json *json)
{
	if (take(json, "\""))
		return take_string(json);
	return take_word(json, "null") || take_word(json, "true") ||
		   take_word(json, "false") || take_number(json);
}

static bool
take_key(Json *json)
{
	return take(json, "\"") && take_string(json) && take(json, ":");
}

/*
 * One loop, however deep: "open" has the bracket that closes each level.  No
 * white space: the programs write none inside a value.
 */
bool
fuzz_is_json(const char *text, size_t len)
{
	static char open[JSON_DEPTH + 1];
	size_t depth = 0;
	Json json = {text, text + len};

	if (!utf8_check((const uint8_t *) text, len, NULL))
		return false;
	do
	{
		bool object = take(&json, "{");

		if (object || take(&json, "["))
		{
			HOLDS(depth < JSON_DEPTH);
			open[depth++] = object ? '}' : ']';
			if (!take(&json, object ? "}" : "]"))
			{
				if (object && !take_key(&json))
					return false;
				continue;
			}
			depth--;
		}
		else if (!take_scalar(&json))
			return false;
		while (depth > 0 && !take(&json, ","))
		{
			char close[] = {open[depth - 1], '\0'};

			if (!take(&json, close))
				return false;
			depth--;
		}
		if (depth > 0 && open[depth - 1] == '}' && !take_key(&json))
			return false;
	} while (depth > 0);
	return json.pos == json.end;
}
