/*
 * value_json.c
 *		json, which is stored as text, as a term.
 *
 * The server has checked the syntax when the value was stored.  Its own
 * parser is not used: it rejects \u0000 and surrogates that the type allows,
 * works in the server encoding, and has another interface in each release.
 * What this one cannot represent (a surrogate without its other half, a
 * number of 150000 digits) turns the whole value into {unparsed, Text}.
 *
 * Terms are written as they are met.  The headers of lists and maps are
 * patched at their end, when their length is known; then pairs.c takes a
 * map's repeated keys out.
 *
 * See value_jsonb.c for the binary type, json_number.c for numbers.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "plugin/encoders.h"
#include "plugin/encoding.h"
#include "plugin/json.h"
#include "plugin/pairs.h"

/* A list or a map that is being written. */
typedef struct Level
{
	bool object;
	int start;		/* where its term begins in the buffer */
	int count;		/* elements or pairs begun */
	int first_pair; /* its part of Parser's pairs begins here */
} Level;

typedef struct Parser
{
	EtfOut *out;
	const char *pos;
	const char *end;
	Level *levels; /* innermost last */
	int depth;
	int nlevels_allocated;
	EtfPairs pairs; /* those of all levels */
} Parser;

static void put_json_term(EtfOut *out, const char *text, Size len);
static bool parse_document(Parser *parser);
static bool parse_value(Parser *parser, bool *opened);
static bool parse_item(Parser *parser);
static bool parse_literal(Parser *parser);
static bool parse_number(Parser *parser);
static bool parse_string(Parser *parser);
static bool parse_escape(Parser *parser);
static bool parse_unicode_escape(Parser *parser);
static int parse_hex4(Parser *parser);
static void put_codepoint(EtfOut *out, uint32 codepoint);
static int peek(Parser *parser);
static int next_char(Parser *parser);
static void open_level(Parser *parser, bool object);
static bool close_level(Parser *parser, int c);

void
encode_json(EtfOut *out, const EtfType *type, Datum value)
{
	text *json = DatumGetTextPP(value);
	const char *raw = VARDATA_ANY(json);
	Size raw_len = VARSIZE_ANY_EXHDR(json);
	Size len = raw_len;
	const char *utf8;

	if (out->options->json == JSON_TEXT ||
		(utf8 = etf_to_utf8(raw, &len)) == NULL)
	{
		etf_put_text(out, raw, raw_len);
		return;
	}
	put_json_term(out, utf8, len);
	if (utf8 != raw)
		pfree((char *) utf8);
}

static void
put_json_term(EtfOut *out, const char *text, Size len)
{
	int start = out->buf->len;
	Parser parser;

	memset(&parser, 0, sizeof(parser));
	parser.out = out;
	parser.pos = text;
	parser.end = text + len;
	if (!parse_document(&parser) && !out->overflow)
	{
		out->buf->len = start;
		etf_put_tuple(out, 2);
		etf_put_atom(out, "unparsed");
		etf_put_binary(out, text, len);
	}
	if (parser.levels != NULL)
		pfree(parser.levels);
	if (parser.pairs.items != NULL)
		pfree(parser.pairs.items);
}

/* True also when the value does not fit: then what is written is void. */
static bool
parse_document(Parser *parser)
{
	while (!parser->out->overflow)
	{
		bool opened = false;
		int c;

		CHECK_FOR_INTERRUPTS();
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
	int start;

	level->count++;
	if (!level->object)
		return true;

	start = parser->out->buf->len;
	if (peek(parser) != '"' || !parse_string(parser))
		return false;
	pairs_add(&parser->pairs, parser->out, start);
	return next_char(parser) == ':';
}

static bool
parse_literal(Parser *parser)
{
	static const char *const words[] = {"true", "false", "null"};
	Size left = parser->end - parser->pos;

	for (int i = 0; i < (int) lengthof(words); i++)
	{
		Size len = strlen(words[i]);

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
	return json_put_number(parser->out, start, parser->pos - start);
}

/* A binary: runs of plain bytes, and what escapes between them stand for. */
static bool
parse_string(Parser *parser)
{
	EtfOut *out = parser->out;
	int start = out->buf->len;
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
		etf_put_raw(out, run, parser->pos - run);
		parser->pos++;
		if (c == '"')
		{
			out_patch_uint32(out, start + 1, out->buf->len - start - 5);
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
		put_codepoint(parser->out, first);
		return true;
	}
	if (parser->pos == parser->end || *parser->pos++ != '\\')
		return false;
	second = parse_hex4(parser);
	if (second < 0xDC00 || second > 0xDFFF)
		return false;
	put_codepoint(parser->out,
				  0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF));
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
put_codepoint(EtfOut *out, uint32 codepoint)
{
	unsigned char utf8[4];

	unicode_to_utf8(codepoint, utf8);
	etf_put_small(out, (const char *) utf8, pg_utf_mblen(utf8));
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
	EtfOut *out = parser->out;
	Level *level;

	if (parser->depth == parser->nlevels_allocated)
		parser->levels = grow_array(parser->levels, &parser->nlevels_allocated,
									sizeof(Level));
	level = &parser->levels[parser->depth++];
	level->object = object;
	level->start = out->buf->len;
	level->count = 0;
	level->first_pair = parser->pairs.count;
	if (object)
		etf_put_map(out, 0);
	else
		etf_put_list(out, 1);
}

static bool
close_level(Parser *parser, int c)
{
	EtfOut *out = parser->out;
	Level *level = &parser->levels[parser->depth - 1];

	if (c != (level->object ? '}' : ']'))
		return false;
	if (level->object)
		pairs_close(&parser->pairs, out, level->start, level->first_pair);
	else if (level->count > 0)
	{
		out_patch_uint32(out, level->start + 1, level->count);
		etf_put_list_end(out);
	}
	else if (!out->overflow)
	{
		out->buf->len = level->start;
		etf_put_list(out, 0);
		etf_put_list_end(out);
	}
	parser->depth--;
	return true;
}
