/*
 * text_extension.c
 *		tsvector, and types of extensions, from their text.
 */
#include "client/wire/text.h"
#include "common/term/unique_keys.h"
#include "common/value/tsvector.h"

/* Of one word. */
#define MAX_POSITIONS 256
#define POSITION_MAX 16383

/* A key or a value, which is always in quotes but for a NULL. */
static void
put_hstore_text(WireReader *in, bool may_be_null)
{
	TextItem item = text_item(in, ",");

	if (item.quoted)
		wire_put_text(in, item.bytes, item.len);
	else if (may_be_null && item.len == 4 && memcmp(item.bytes, "NULL", 4) == 0)
		etf_put_null(in->out);
	else
		wire_fail(in);
	text_free_item(in, &item);
}

static void
put_pairs(WireReader *in, UniqueKeys *keys)
{
	do
	{
		size_t start = in->out->len;

		put_hstore_text(in, false);
		unique_keys_add(keys, in->out, start);
		if (!text_skip_word(in, "=>"))
			wire_fail(in);
		put_hstore_text(in, true);
	} while (!wire_stopped(in) && text_skip_word(in, ", "));
}

/* Keys that differ in the server's encoding may be one in UTF-8. */
void
text_hstore(WireReader *in)
{
	TermOut *out = in->out;
	UniqueKeys keys = {NULL, 0, 0};
	size_t map = out->len;

	etf_put_map(out, 0);
	if (wire_left(in) > 0)
		put_pairs(in, &keys);
	if (!wire_stopped(in))
		unique_keys_close(&keys, out, map, 0);
	out_scratch_free(out, keys.pairs);
}

void
text_vector(WireReader *in)
{
	uint32_t count = text_commas(in) + 1;

	text_expect(in, '[');
	etf_put_list(in->out, count);
	for (uint32_t i = 0; i < count && !wire_stopped(in); i++)
	{
		if (i > 0)
			text_expect(in, ',');
		etf_put_float(in->out, text_float(in));
	}
	text_expect(in, ']');
	etf_put_list_end(in->out);
}

/* Is this, within a word, the first of two that stand for one? */
static bool
is_doubled(const char *p, const char *end)
{
	return (*p == '\'' || *p == '\\') && p + 1 < end && p[1] == *p;
}

/* 'it''s', where a backslash is doubled as well. */
static void
put_word(WireReader *in)
{
	const char *start = in->pos + 1;
	const char *end = start;
	char *word;
	size_t len = 0;

	text_expect(in, '\'');
	while (end < in->end && (*end != '\'' || is_doubled(end, in->end)))
		end += is_doubled(end, in->end) ? 2 : 1;
	if (end >= in->end || wire_stopped(in))
	{
		wire_fail(in);
		return;
	}
	word = in->out->host->scratch(NULL, (size_t) (end - start) + 1);
	for (const char *p = start; p < end; p++)
	{
		word[len++] = *p;
		p += is_doubled(p, end);
	}
	in->pos = end + 1;
	wire_put_text(in, word, len);
	out_scratch_free(in->out, word);
}

static uint16_t
take_position(WireReader *in)
{
	uint16_t position = (uint16_t) text_uint(in, POSITION_MAX);
	int c = text_peek(in);

	if (c < 'A' || c > 'C')
		return position;
	in->pos++;
	return (uint16_t) (position | ('D' - c) << 14);
}

static void
put_lexeme(WireReader *in)
{
	uint16_t positions[MAX_POSITIONS];
	uint32_t n = 0;

	etf_put_lexeme(in->out);
	put_word(in);
	if (text_skip(in, ':'))
		do
		{
			positions[n++] = take_position(in);
		} while (n < MAX_POSITIONS && text_skip(in, ','));
	etf_put_lexeme_positions(in->out, positions, n);
}

static void
put_lexemes(WireReader *in)
{
	size_t start = in->out->len;
	uint32_t count = 0;

	if (wire_left(in) > 0)
		etf_put_list(in->out, 1);
	while (wire_left(in) > 0 && !wire_stopped(in))
	{
		if (count++ > 0)
			text_expect(in, ' ');
		put_lexeme(in);
	}
	if (count > 0)
		out_patch_uint32(in->out, start + 1, count);
	etf_put_list_end(in->out);
}

void
text_tsvector(WireReader *in)
{
	if (in->out->forms->dialect == DIALECT_ERLANG)
		wire_rest_text(in);
	else
		put_lexemes(in);
}
