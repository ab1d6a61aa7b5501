/*
 * json.c
 *		json, from its text in UTF-8, as a term.
 *
 * Whoever stored the value has checked its syntax.  What cannot be represented
 * (a surrogate without its other half, a number of 150000 digits) turns the
 * whole value into {unparsed, Text}.
 *
 * Terms are written in the order of the text.  The headers of lists and maps
 * are patched at their end, when their length is known; then unique_keys.c
 * takes a map's repeated keys out.  json_number.c has the numbers.
 */
#include "common/value/json.h"

#include "common/term/unique_keys.h"
#include "common/term/utf8.h"

/* A list or a map that is being written. */
typedef struct Level
{
	bool object;
	size_t start;	   /* where its term begins in the buffer */
	uint32_t count;	   /* elements or pairs begun */
	size_t first_pair; /* its part of Parser's keys begins here */
} Level;

typedef struct Parser
{
	TermOut *out;
	const char *pos;
	const char *end;
	Level *levels; /* innermost last */
	int depth;
	size_t nlevels_allocated;
	UniqueKeys keys; /* those of all levels */
} Parser;

static bool parse_document(Parser *parser);
static bool parse_value(Parser *parser, bool *opened);
static bool parse_item(Parser *parser);
static bool parse_literal(Parser *parser);
static bool parse_number(Parser *parser);
static bool parse_string(Parser *parser);
static bool parse_escape(Parser *parser);
static bool parse_unicode_escape(Parser *parser);
static int parse_hex4(Parser *parser);
static void put_codepoint(TermOut *out, uint32_t codepoint);
static int peek(Parser *parser);
static int next_char(Parser *parser);
static void open_level(Parser *parser, bool object);
static bool close_level(Parser *parser, int c);

void
etf_put_json(TermOut *out, const char *text, size_t len)
{
	size_t start = out->len;
	Parser parser;

	memset(&parser, 0, sizeof(parser));
	parser.out = out;
	parser.pos = text;
	parser.end = text + len;
	if (!parse_document(&parser) && !out->overflow)
	{
		out->len = start;
		etf_put_tuple(out, 2);
		etf_put_atom(out, "unparsed");
		etf_put_binary(out, text, len);
	}
	out_scratch_free(out, parser.levels);
	out_scratch_free(out, parser.keys.pairs);
}

/* True also when the value does not fit: then what is written is void. */
static bool
parse_document(Parser *parser)
{
	while (!parser->out->overflow)
	{
		bool opened = false;
		int c;

		parser->out->host->tick();
		if (!parse_value(parser, &opened))
			return false;
		c = peek(parser);
		if (!opened || c == ']' || c == '}')
		{
			while (parser->depth > 0 && (c = next_char(parser)) != ',')
			{
				if (!close_level(parser, c))
					return false;
			}
			if (parser->depth == 0)
				return peek(parser) == -1;
		}
		if (!parse_item(parser))
			return false;
	}
	return true;
}

/* A scalar, or the beginning of a container. */
static bool
parse_value(Parser *parser, bool *opened)
{
	switch (peek(parser))
	{
		case '{':
		case '[':
			*opened = true;
			open_level(parser, *parser->pos++ == '{');
			return true;
		case '"':
			return parse_string(parser);
		case 't':
		case 'f':
		case 'n':
			return parse_literal(parser);
		default:
			return parse_number(parser);
	}
}

/* What stands before a container's next value: in an object, its key. */
static bool
parse_item(Parser *parser)
{
	Level *level = &parser->levels[parser->depth - 1];
	size_t start;

	level->count++;
	if (!level->object)
		return true;

	start = parser->out->len;
	if (peek(parser) != '"' || !parse_string(parser))
		return false;
	unique_keys_add(&parser->keys, parser->out, start);
	return next_char(parser) == ':';
}

static bool
parse_literal(Parser *parser)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t left = (size_t) (parser->end - parser->pos);

	for (int i = 0; i < (int) (sizeof(words) / sizeof(words[0])); i++)
	{
		size_t len = strlen(words[i]);

		if (left < len || memcmp(parser->pos, words[i], len) != 0)
			continue;
		parser->pos += len;
		if (words[i][0] == 'n')
			etf_put_null(parser->out);
		else
			etf_put_bool(parser->out, words[i][0] == 't');
		return true;
	}
	return false;
}

static bool
parse_number(Parser *parser)
{
	const char *start = parser->pos;

	while (parser->pos < parser->end &&
		   ((*parser->pos >= '0' && *parser->pos <= '9') ||
			*parser->pos == '-' || *parser->pos == '+' || *parser->pos == '.' ||
			*parser->pos == 'e' || *parser->pos == 'E'))
		parser->pos++;
	return etf_put_json_number(parser->out, start,
							   (size_t) (parser->pos - start));
}

/* A binary: runs of plain bytes, and what escapes between them stand for. */
static bool
parse_string(Parser *parser)
{
	TermOut *out = parser->out;
	size_t start = out->len;
	const char *run = ++parser->pos;

	etf_put_binary(out, "", 0);
	while (parser->pos < parser->end)
	{
		char c = *parser->pos;

		if (c != '"' && c != '\\')
		{
			parser->pos++;
			continue;
		}
		etf_put_raw(out, run, (size_t) (parser->pos - run));
		parser->pos++;
		if (c == '"')
		{
			out_patch_uint32(out, start + 1,
							 (uint32_t) (out->len - start - ETF_HEADER_SIZE));
			return true;
		}
		if (!parse_escape(parser))
			return false;
		run = parser->pos;
	}
	return false;
}

/* Behind the backslash. */
static bool
parse_escape(Parser *parser)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (parser->pos == parser->end)
		return false;
	if (*parser->pos == 'u')
		return parse_unicode_escape(parser);
	found = memchr(letters, *parser->pos++, sizeof(letters) - 1);
	if (found == NULL)
		return false;
	etf_put_small(parser->out, &meanings[found - letters], 1);
	return true;
}

/* At the u: one escape, or two that are the halves of a surrogate pair. */
static bool
parse_unicode_escape(Parser *parser)
{
	int first = parse_hex4(parser);
	int second;

	if (first < 0 || (first >= 0xDC00 && first <= 0xDFFF))
		return false;
	if (first < 0xD800 || first > 0xDBFF)
	{
		put_codepoint(parser->out, (uint32_t) first);
		return true;
	}
	if (parser->pos == parser->end || *parser->pos++ != '\\')
		return false;
	second = parse_hex4(parser);
	if (second < 0xDC00 || second > 0xDFFF)
		return false;
	put_codepoint(parser->out, 0x10000u + (((uint32_t) first & 0x3FF) << 10) +
								   ((uint32_t) second & 0x3FF));
	return true;
}

/* A u and four hexadecimal digits; -1 where there is something else. */
static int
parse_hex4(Parser *parser)
{
	int value = 0;

	if (parser->end - parser->pos < 5 || *parser->pos != 'u')
		return -1;
	for (int i = 1; i <= 4; i++)
	{
		char c = parser->pos[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	parser->pos += 5;
	return value;
}

static void
put_codepoint(TermOut *out, uint32_t codepoint)
{
	char utf8[UTF8_MAX];

	etf_put_small(out, utf8, utf8_encode(codepoint, utf8));
}

/* The next character that is no white space, or -1. */
static int
peek(Parser *parser)
{
	while (parser->pos < parser->end)
	{
		char c = *parser->pos;

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return (unsigned char) c;
		parser->pos++;
	}
	return -1;
}

static int
next_char(Parser *parser)
{
	int c = peek(parser);

	if (c >= 0)
		parser->pos++;
	return c;
}

static void
open_level(Parser *parser, bool object)
{
	TermOut *out = parser->out;
	Level *level;

	if ((size_t) parser->depth == parser->nlevels_allocated)
		parser->levels = out_scratch_array(
			out, parser->levels, &parser->nlevels_allocated, sizeof(Level));
	level = &parser->levels[parser->depth++];
	level->object = object;
	level->start = out->len;
	level->count = 0;
	level->first_pair = parser->keys.count;
	if (object)
		etf_put_map(out, 0);
	else
		etf_put_list(out, 1);
}

static bool
close_level(Parser *parser, int c)
{
	TermOut *out = parser->out;
	Level *level = &parser->levels[parser->depth - 1];

	if (c != (level->object ? '}' : ']'))
		return false;
	if (level->object)
		unique_keys_close(&parser->keys, out, level->start, level->first_pair);
	else if (level->count > 0)
	{
		out_patch_uint32(out, level->start + 1, level->count);
		etf_put_list_end(out);
	}
	else if (!out->overflow)
	{
		out->len = level->start;
		etf_put_list(out, 0);
		etf_put_list_end(out);
	}
	parser->depth--;
	return true;
}
