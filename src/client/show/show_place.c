/*
 * show_place.c
 *		Lines of JSON: what they begin with, and where a change is.
 *
 * Of show_json.c.
 */
#include "client/show/show_place.h"

#include <string.h>
#include <time.h>

#include "common/term/lsn.h"
#include "common/term/read.h"

static void
put_lsn(StrBuf *out, const char *key, uint64_t lsn)
{
	char text[LSN_TEXT_SIZE];

	lsn_to_text(lsn, text);
	strbuf_putf(out, ",\"%s\":\"%s\"", key, text);
}

static void
put_time(StrBuf *out, int64_t microseconds)
{
	int fraction = (int) (microseconds % 1000000);
	time_t seconds = (time_t) (microseconds / 1000000);
	char text[32];
	struct tm tm;

	if (fraction < 0)
	{
		fraction += 1000000;
		seconds--;
	}

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	strbuf_putf(out, ",\"commit_time\":\"%s.%06dZ\"", text, fraction);
}

/* {"op":"insert" */
void
show_put_op(Show *show, const char *op)
{
	static const char *const colors[][2] = {
		{"insert", "32"}, {"update", "33"}, {"delete", "31"}, {"", "36"}};
	int i = 0;

	while (colors[i][0][0] != '\0' && strcmp(colors[i][0], op) != 0)
		i++;
	if (show->colors)
		strbuf_putf(show->out, "{\"op\":\033[%sm\"%s\"\033[0m", colors[i][1],
					op);
	else
		strbuf_putf(show->out, "{\"op\":\"%s\"", op);
}

/* Whatever follows in "reader" is the next one to be read afterwards, too. */
static bool
put_gid(Show *show, const FrameHead *head, TermReader *reader)
{
	const uint8_t *next = reader->pos;
	Term term;
	bool found = false;

	reader->pos = reader->start + head->meta;
	if (!term_next(reader, &term) || term.kind != TERM_MAP)
		return term_fail(reader, "Meta is not a map");
	for (uint32_t i = term.count; i > 0 && !found; i--)
	{
		if (!term_next_atom(reader, &term, "a key of Meta is not an atom"))
			return false;
		found = term_is_atom(&term, "gid");
		if (!found && !term_skip(reader))
			return false;
	}
	if (!found)
		return term_fail(reader, "Meta has no gid");
	strbuf_puts(show->out, ",\"prepared\":");
	if (!show_term(show, reader))
		return false;
	reader->pos = next;
	return true;
}

/* What may be rolled back has its name in each line. */
static bool
end_line(Show *show, const FrameHead *head, TermReader *reader)
{
	bool named = head->kind == FRAME_PREPARE || head->kind == FRAME_DECISION;

	if (named && !put_gid(show, head, reader))
		return false;
	strbuf_puts(show->out, "}\n");
	return true;
}

/* A row that was read is of no transaction; it is as of the snapshot. */
static bool
put_read_place(Show *show)
{
	if (show->read_lsn != 0)
		put_lsn(show->out, "commit_lsn", show->read_lsn);
	strbuf_puts(show->out, "}\n");
	return true;
}

/*
 * A message outside a transaction comes under the end of its record, where a
 * commit may begin: the place before it is its own, since records begin at
 * multiples of 8.
 */
bool
show_put_place(Show *show, const FrameHead *head, TermReader *reader,
			   uint64_t index)
{
	StrBuf *out = show->out;
	bool alone = head->kind == FRAME_MESSAGE;

	if (head->kind == FRAME_READ)
		return put_read_place(show);
	put_lsn(out, "commit_lsn", alone ? head->end_lsn - 1 : head->commit_lsn);
	strbuf_putf(out, ",\"index\":%llu", (unsigned long long) index);
	if (alone)
		put_lsn(out, "end_lsn", head->end_lsn);
	else
	{
		strbuf_putf(out, ",\"xid\":%u", head->xid);
		put_time(out, head->commit_time);
	}
	return end_line(show, head, reader);
}

bool
show_put_boundary(Show *show, const FrameHead *head, TermReader *reader,
				  const char *op)
{
	StrBuf *out = show->out;

	show_put_op(show, op);
	strbuf_putf(out, ",\"xid\":%u", head->xid);
	put_lsn(out, "commit_lsn", head->commit_lsn);
	if (head->end_lsn != 0)
		put_lsn(out, "end_lsn", head->end_lsn);
	else
		strbuf_puts(out, ",\"end_lsn\":null");
	put_time(out, head->commit_time);
	return end_line(show, head, reader);
}

/* commit_prepared or rollback_prepared: the tag is what is done. */
bool
show_put_decision(Show *show, const FrameHead *head, TermReader *reader)
{
	Term tag;

	reader->pos = reader->start + head->payload;
	if (!term_next(reader, &tag) ||
		!term_next_atom(reader, &tag, "frame does not start with an atom"))
		return false;
	return show_put_boundary(show, head, reader,
							 term_is_atom(&tag, "commit_prepared")
								 ? "commit_prepared"
								 : "rollback_prepared");
}
