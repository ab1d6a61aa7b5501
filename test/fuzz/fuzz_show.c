/*
 * fuzz_show.c
 *		pg_etf_client --print: frames of a server that is not to be trusted.
 *
 * The last byte of the input says in which style; frames follow each other,
 * each on a line of its own as pg_recvlogical would write them.  Where one
 * cannot be shown, the next is tried, although the client would stop.
 */
#include <string.h>

#include "client/show/show.h"
#include "client/show/show_relation.h"
#include "fuzz.h"

static void
show_next(Show *show, const uint8_t *frame, size_t len)
{
	StrBuf text = {0};
	const char *error = NULL;
	FrameHead head;

	if (!frame_read_head(frame, len, &head))
		return;
	if (!show_frame(show, &head, (const char *) frame, len, &text, &error))
		HOLDS(error != NULL && error[0] != '\0');
	else if (text.len > 0)
	{
		HOLDS(text.data[text.len - 1] == '\n');
		HOLDS(strlen(text.data) == text.len);
	}
	strbuf_free(&text);
}

static size_t
frame_length(const uint8_t *bytes, size_t len)
{
	TermReader reader;

	term_read_init(&reader, bytes, len);
	if (term_read_version(&reader) && term_skip(&reader))
		return term_offset(&reader);
	return len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const nulls[] = {"nil", "null", "true", "undefined"};
	static Show shows[3];
	Show *show;
	uint8_t how;

	if (size == 0)
		return 0;
	how = data[--size];
	show = &shows[how % 3];
	if (show->levels == NULL)
		HOLDS(show_init(show, (TextStyle) (how % 3)));
	show->transactions = how & 4;
	show->colors = how & 8;
	show->envelope = how & 128;
	show->null = nulls[how >> 4 & 3];
	for (size_t start = 0; start < size;)
	{
		size_t len = frame_length(data + start, size - start);
		uint8_t *frame = fuzz_copy(data + start, len);

		show_next(show, frame, len);
		free(frame);
		start += len + 1;
	}
	show_free_relations(show);
	return 0;
}
