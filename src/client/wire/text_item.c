/*
 * text_item.c
 *		What stands in quotes, or between marks, in the text of other values.
 *
 * Arrays escape with a backslash; composites and ranges double backslashes and
 * quotes.  Neither can be taken for the other.
 */
#include "client/wire/text.h"

/* At a character in quotes: does it stand for the one behind it? */
static bool
is_escape(const char *p, const char *end)
{
	return *p == '\\' || (*p == '"' && p + 1 < end && p[1] == '"');
}

/* Behind the opening quote; returns how many characters are escaped. */
static size_t
skip_quoted(WireReader *in)
{
	size_t escapes = 0;

	while (in->pos < in->end)
	{
		if (is_escape(in->pos, in->end))
		{
			escapes++;
			in->pos++;
			if (in->pos == in->end)
				break;
		}
		else if (*in->pos == '"')
			break;
		in->pos++;
	}
	return escapes;
}

static char *
unescape(WireReader *in, const char *text, size_t len, size_t escapes)
{
	char *copy = in->out->host->scratch(NULL, len - escapes + 1);
	char *p = copy;

	for (const char *end = text + len; text < end; text++)
	{
		if (is_escape(text, end))
			text++;
		if (text < end)
			*p++ = *text;
	}
	return copy;
}

static TextItem
quoted_item(WireReader *in)
{
	TextItem item = {.bytes = in->pos, .quoted = true};
	size_t escapes = skip_quoted(in);

	item.len = (size_t) (in->pos - item.bytes);
	text_expect(in, '"');
	if (escapes > 0 && !wire_stopped(in))
	{
		item.bytes = item.copy = unescape(in, item.bytes, item.len, escapes);
		item.len -= escapes;
	}
	return item;
}

TextItem
text_item(WireReader *in, const char *stops)
{
	TextItem item = {.bytes = in->pos};
	size_t nstops = strlen(stops);

	if (text_skip(in, '"'))
		return quoted_item(in);
	while (in->pos < in->end && memchr(stops, *in->pos, nstops) == NULL)
		in->pos++;
	item.len = (size_t) (in->pos - item.bytes);
	return item;
}

void
text_free_item(WireReader *in, TextItem *item)
{
	out_scratch_free(in->out, item->copy);
}

void
text_read_item(WireReader *in, const WireType *type, int32_t typmod,
			   TextItem *item)
{
	wire_read(in, type, typmod, item->bytes, item->len);
	text_free_item(in, item);
}
