/*
 * show.c
 *		Frames as text for people.
 *
 * Used by print.c and print_file.c; JSON is made in show_json.c.
 */
#include "client/show/show.h"

#include <stdlib.h>
#include <string.h>

#include "client/show/show_json.h"
#include "client/show/show_relation.h"

static void
sink(void *arg, const char *bytes, size_t len)
{
	const Show *show = arg;

	strbuf_put(show->out, bytes, len);
}

bool
show_init(Show *show, TextStyle style)
{
	*show = (Show){.style = style, .null = "nil"};
	show->levels = malloc(SHOW_DEPTH * sizeof(TextLevel));
	if (show->levels == NULL)
		return false;
	term_text_init(&show->text, style, show->levels, SHOW_DEPTH, sink, show);
	return true;
}

void
show_free(Show *show)
{
	show_free_relations(show);
	free(show->levels);
}

/* Erlang's lines end so that file:consult/1 reads them. */
bool
show_frame(Show *show, const FrameHead *head, const char *frame, size_t len,
		   StrBuf *out, const char **error)
{
	TermReader reader;
	bool done;

	show->out = out;
	term_read_init(&reader, frame, len);
	if (show->style == TEXT_JSON)
	{
		reader.pos += head->events;
		done = show_json_frame(show, head, &reader);
	}
	else
	{
		done = term_read_version(&reader) && show_term(show, &reader);
		strbuf_puts(out, show->style == TEXT_ERLANG ? ".\n" : "\n");
	}
	*error = reader.error;
	if (done && out->failed)
		*error = "out of memory";
	return done && !out->failed;
}
